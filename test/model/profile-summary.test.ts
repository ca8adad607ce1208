import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { OperatorTimes, profileLines } from '../../src/model/profile-summary.ts';
import { temporaryFolder } from '../e2e/nightshift.ts';

function nodeEvent(operator: string, micros: number, provider = 'CPUExecutionProvider'): string {
  return `{"cat" : "Node","dur" :${micros},"name" :"x_kernel_time","args" : {"op_name" : "${operator}","provider" : "${provider}"}}`;
}

it('adds up the kernels of a profile, the longest first, wherever they ran', () => {
  const times = new OperatorTimes();
  const lines = [
    nodeEvent('MatMul', 5),
    nodeEvent('Add', 30),
    nodeEvent('MatMul', 40),
    nodeEvent('MatMul', 7, 'CUDAExecutionProvider'),
    '{"cat" : "Session","dur" :1000,"name" :"model_run","args" : {}}',
    '{"cat" : "Node","dur" :9,"name" :"x_fence_before","args" : {"op_name" : "MatMul"}}',
    '{"cat" : "Node","name" :"broken_kernel_time"',
  ];
  for (const line of lines) times.add(line);
  expect(times.sorted()).toEqual([
    { operator: 'MatMul', provider: 'cpu', calls: 2, seconds: 45e-6 },
    { operator: 'Add', provider: 'cpu', calls: 1, seconds: 30e-6 },
    { operator: 'MatMul', provider: 'cuda', calls: 1, seconds: 7e-6 },
  ]);
});

it.each([
  ['[\n{"a" : [1]},\n{"b" : {}}\n]\n', ['{"a" : [1]}', '{"b" : {}}']],
  ['[{"a" : 1},\n{"b" : 2}]', ['{"a" : 1}', '{"b" : 2}']],
  ['[\n{"a" : 1},\n{"b" :', ['{"a" : 1}']],
  ['', []],
])('reads the whole events of %j', async (text, events) => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'profile.json');
  await writeFile(path, text);
  const lines: string[] = [];
  for await (const line of profileLines(path)) lines.push(line);
  expect(lines).toEqual(events);
});
