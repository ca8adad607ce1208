import { describe, expect, it } from 'vitest';
import { parseSpec } from '../../src/spec/load-spec.ts';
import { formatLocation } from '../../src/spec/location.ts';
import { parseOverride } from '../../src/spec/override.ts';
import { parse, parseJob, refusal, withJob, withMinimalJob } from './parse-jobs.ts';

const text = `version: 1
jobs:
  a: { model: m, input: i, output: { path: o, format: csv } }
  a.b: { model: m, input: i, output: o, execution: { batchSize: 4 } }
`;

const set = (...overrides: readonly string[]) => parse(text, { overrides }).jobs;

describe('--set', () => {
  it.each([
    ['x=256', 256],
    ['x=auto', 'auto'],
    ['x=true', true],
    ['x=', null],
    ['x=""', ''],
    ['x="256"', '256'],
    ['x=[a, 1]', ['a', 1]],
    ['x={a: b}', { a: 'b' }],
    ['x=cuda:0', 'cuda:0'],
    ['x=a: b > 0 # not a comment', 'a: b > 0 # not a comment'],
    ['x=a = b', 'a = b'],
    ['x=*', '*'],
    ['x=|', '|'],
    ['x=,', ','],
    ['x=data/*.parquet', 'data/*.parquet'],
    ['x=@a', '@a'],
    ['x=!a', '!a'],
  ])('reads the value of %s as %j', (written, value) => {
    expect(parseOverride(written)).toEqual({ option: '--set x', path: ['x'], value });
  });

  it.each([
    ['a.b.c=1', ['a', 'b', 'c']],
    ['features."in:0.x".nulls=nan', ['features', 'in:0.x', 'nulls']],
    ['columns."a=b"=label', ['columns', 'a=b']],
  ])('splits the path of %s into %j', (written, path) => {
    expect(parseOverride(written).path).toEqual(path);
  });

  it.each([
    [
      'execution.batchSize',
      '--set execution.batchSize: is not a path and a value with = between them',
      'write for example `--set execution.batchSize=256` or `--set jobs.NAME.output.keep=[a,b]`',
    ],
    [
      '=1',
      '--set =1: is not a path and a value with = between them',
      'write for example `--set execution.batchSize=256` or `--set jobs.NAME.output.keep=[a,b]`',
    ],
    [
      'output.keep=[a',
      '--set output.keep: "[a" is not a YAML list, map or quoted text',
      "write for example `--set 'output.keep=[a, b]'`, all of it in quotes, which keep the shell away",
    ],
    [
      'output.keep=[*a]',
      '--set output.keep: "[*a]" is not a YAML list, map or quoted text',
      "write for example `--set 'output.keep=[a, b]'`, all of it in quotes, which keep the shell away",
    ],
  ])('%s is a wrong use of the option', (written, message, hint) => {
    expect(refusal(text, { overrides: [written] })).toMatchObject({ code: 'USAGE', message, hint });
  });

  it('applies to every job, or to the one it names, and the last one wins', () => {
    expect(set('execution.batchSize=8').map(({ execution }) => execution.batchSize)).toEqual([8, 8]);
    expect(set('jobs.a.execution.batchSize=8').map(({ execution }) => execution.batchSize)).toEqual([8, 4]);
    expect(set('execution.batchSize=8', 'execution.batchSize=9').map(({ execution }) => execution.batchSize)).toEqual([
      9, 9,
    ]);
  });

  it('finds a job whose name has dots in it', () => {
    expect(set('jobs.a.b.execution.batchSize=8').map(({ execution }) => execution.batchSize)).toEqual(['auto', 8]);
  });

  it('takes short forms, which leave the rest of the map', () => {
    expect(set('jobs.a.output=elsewhere')[0]?.output).toMatchObject({ path: 'elsewhere', format: 'csv' });
    expect(set('input=[x,y]')[0]?.input.paths).toEqual(['x', 'y']);
  });

  it('merges a map into what is there, and replaces a list', () => {
    const job = withJob('model: m', 'input: i', 'output: { path: o, keep: [a, b], columns: { x: y } }');
    const { output } = parseJob(job, { overrides: ['output.columns={z: y}', 'output.keep=[c]'] });
    expect(Object.keys(output.columns ?? {})).toEqual(['x', 'z']);
    expect(output.keep).toEqual(['c']);
  });

  it('fills variables as the file does', () => {
    const { output } = parseJob(withMinimalJob(), { overrides: ['output.path=out/${DAY}'], env: { DAY: '1' } });
    expect(output.path).toBe('out/1');
  });

  it('is named as the place of its value', () => {
    const { where } = parse(text, { overrides: ['execution.batchSize=8'] });
    expect(formatLocation(where(['jobs', 'a', 'execution', 'batchSize']))).toBe('--set execution.batchSize');
    expect(formatLocation(where(['jobs', 'a.b', 'execution']))).toBe('/specs/jobs.yaml:4:41');
  });

  it.each([
    ['execution.batchSise=1', '--set execution.batchSise: unknown key "batchSise"', 'did you mean "batchSize"?'],
    [
      'jobs.a.exection.batchSize=1',
      '--set jobs.a.exection.batchSize: unknown key "exection"',
      'did you mean "execution"?',
    ],
    ['execution={batchSise: 1}', '--set execution: unknown key "batchSise"', 'did you mean "batchSize"?'],
    ['jobs.nightly.limit=1', '--set jobs.nightly.limit: unknown key "nightly"', 'the keys here are a, a.b'],
    [
      'jobs.a=1',
      '--set jobs.a: names no setting of a job',
      'write for example `--set jobs.NAME.execution.batchSize=256`',
    ],
    ['jobs=1', '--set jobs: names no setting of a job', 'write for example `--set jobs.NAME.execution.batchSize=256`'],
    [
      'execution.batchSize=0',
      '--set execution.batchSize: 0 is not auto or a whole number from 1 to 1000000',
      'write for example `batchSize: 256`',
    ],
    ['input.limit=', '--set input.limit: is empty', 'give it a value, like `limit: 10000`, or remove it'],
    [
      'output.path=${NONE}',
      '--set output.path: the environment variable NONE is not set',
      'set NONE, or give a default: ${NONE:-...}',
    ],
  ])('%s is refused under its own name', (written, message, hint) => {
    expect(refusal(text, { overrides: [written] })).toMatchObject({ code: 'SPEC_INVALID', message, hint });
  });

  it.each([
    ['--batch-size', 'execution.batchSize=lots', 'write for example `--batch-size 256`'],
    ['--batch-tokens', 'execution.batchTokens=lots', 'write for example `--batch-tokens 16384`'],
    ['--workers', 'execution.workersPerDevice=x', 'write for example `--workers 2`'],
    ['--limit', 'input.limit=-1', 'write for example `--limit 10000`'],
    ['--max-rejected', 'errors.maxRejected=many', 'write for example `--max-rejected 0.1%`'],
  ])('%s has a hint that can be typed after a command', (option, assignment, hint) => {
    expect(() => parseSpec({ text, path: 'jobs.yaml', env: {}, overrides: [{ option, assignment }] })).toThrow(
      expect.objectContaining({ code: 'SPEC_INVALID', hint }),
    );
  });

  it('tells machines the option and the path', () => {
    const [option, path] = ['--set execution.batchSise', 'execution'];
    expect(refusal(text, { overrides: ['execution.batchSise=1'] }).details).toMatchObject({ option, path });
  });
});
