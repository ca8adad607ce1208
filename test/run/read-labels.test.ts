import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { readLabels } from '../../src/run/read-labels.ts';
import { parseSpec } from '../../src/spec/load-spec.ts';
import { temporaryFolder } from '../e2e/nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
  await mkdir(join(folder.path, 'sub/a-folder.json'), { recursive: true });
  const files: Readonly<Record<string, string | Uint8Array>> = {
    'list.json': '["cat", "dog"]',
    'map.json': '\uFEFF{"0": "cat", "1": "dog"}',
    'sparse.json': '{"7": "seven", "21841": "last"}',
    'broken.json': '["cat",\n "dog"\n "cow"]',
    'short.json': '["cat"',
    'number.json': '["cat", 3]',
    'text.json': '"cat"',
    'empty.json': '[]',
    'no-key.json': '{}',
    'key.json': '{"0": "cat", "01": "dog"}',
    'latin.json': Uint8Array.of(0x5b, 0x22, 0xe9, 0x22, 0x5d),
    'big.json': JSON.stringify(['x'.repeat(1_000_000)]),
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder.path, 'sub', name), content);
});
afterAll(() => folder[Symbol.asyncDispose]());

function read(columns: Readonly<Record<string, string>>) {
  const job = { model: 'm.onnx', input: 'in.parquet', output: { path: 'out', columns } };
  const text = JSON.stringify({ version: 1, jobs: { job } });
  const [parsed] = parseSpec({ text, path: join(folder.path, 'jobs.yaml'), env: {} }).jobs;
  if (parsed === undefined) throw new Error('the spec has no job');
  return readLabels({
    job: parsed,
    baseDir: folder.path,
    locate: (path, within) => `${path.join('.')}@${within?.position}`,
  });
}

describe('readLabels', () => {
  it('reads each file that columns name, from the folder of the spec', async () => {
    const labels = await read({
      a: 'label(argmax(y), sub/list.json)',
      b: 'label(topk(y, 2), ./sub/map.json)',
      c: `label(argmax(y), ${join(folder.path, 'sub/sparse.json')})`,
      d: 'max(y)',
    });
    expect(labels).toEqual({
      'sub/list.json': { 0: 'cat', 1: 'dog' },
      './sub/map.json': { 0: 'cat', 1: 'dog' },
      [join(folder.path, 'sub/sparse.json')]: { 7: 'seven', 21841: 'last' },
    });
  });

  it('reads nothing where no column names a file', async () => {
    expect(await read({ a: 'y' })).toBeUndefined();
  });

  it.each([
    ['lst.json', /lst\.json does not exist$/, /^did you mean .*sub\/list\.json\?$/],
    ['zzzzzz', /zzzzzz does not exist$/, /the folder of the spec/],
    ['a-folder.json', /cannot read .*EISDIR/, /write a JSON list/],
    ['broken.json', /is no JSON: .*\(line 3 column 2\)/, /write a JSON list of texts, \["cat", "dog"\], or a map/],
    ['short.json', /is no JSON: Expected ',' or '\]'/, /write a JSON list/],
    ['number.json', /number\.json \[1\] is not a text$/, /write a JSON list/],
    ['text.json', /text\.json is neither a list nor a map$/, /write a JSON list/],
    ['empty.json', /empty\.json has no texts$/, /write a JSON list/],
    ['no-key.json', /no-key\.json has no texts$/, /write a JSON list/],
    ['key.json', /key\.json \["01"\] is no index$/, /write a JSON list/],
    ['latin.json', /latin\.json is not UTF-8$/, /write a JSON list/],
    ['big.json', /big\.json is larger than 1000000 bytes$/, /write a JSON list/],
  ])('refuses %s', async (name, message, hint) => {
    const error = await read({ a: 'y', b: `label(y, sub/${name})` }).catch((thrown: unknown) => thrown);
    if (!(error instanceof AppError)) throw new Error('expected an AppError');
    expect(error).toMatchObject({ code: 'LABELS_UNREADABLE', exitCode: 4 });
    expect(error.message).toMatch(/^output\.columns\.b@9: /);
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
    expect(error.details).toMatchObject({ column: 'b', file: join(folder.path, 'sub', name), position: 9 });
  });

  it('points at an expression that cannot be read', async () => {
    await expect(read({ b: 'label(y)' })).rejects.toThrow(/^output\.columns\.b@7: output expression/);
  });
});
