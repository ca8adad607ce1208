import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nightshift, root, temporaryFolder, writeSpec } from '../e2e/nightshift.ts';
import { digitsJob, flightsJob } from './flights-job.ts';

const wrongColumn = { ...digitsJob, features: { image: ['pixel'] }, output: 'out-a' };
const noModel = { ...digitsJob, model: 'no-such.onnx', output: 'out-b' };

describe('validate', () => {
  it('accepts the example jobs', async () => {
    const result = await nightshift(['validate', 'jobs.example.yaml'], { cwd: root });
    expect(result).toEqual({
      exitCode: 0,
      stdout: 'ok late-flights\nok late-flights-sklearn\nok digits\nok glosses',
      stderr: '',
    });
  });

  it('tells what is wrong with every job, and ends as the first does', async () => {
    await using folder = await temporaryFolder();
    await writeSpec(folder.path, { a: wrongColumn, b: noModel, flights: flightsJob });
    const { exitCode, stdout, stderr } = await nightshift(['validate'], { cwd: folder.path });
    expect(exitCode).toBe(2);
    expect(stdout).toBe('ok flights');
    expect(stderr).toMatch(/error COLUMN_MISSING: jobs\.yaml:\d+:\d+ jobs\.a\.features\.image\.columns\[0\]: /);
    expect(stderr).toContain('hint: did you mean pixels?');
    expect(stderr).toMatch(/error MODEL_NOT_FOUND: jobs\.yaml:\d+:\d+ jobs\.b\.model\.path: model .*no-such\.onnx/);
    expect(await readdir(folder.path)).toEqual(['jobs.yaml']);
  });

  it('guesses which file was meant', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'churn.onnx'), '');
    await writeFile(join(folder.path, 'churn.csv'), 'a\n1\n');
    await writeSpec(folder.path, {
      model: { ...flightsJob, model: 'chrun.onnx' },
      input: { ...flightsJob, input: 'chrun.csv', output: 'out-b' },
    });
    const { stderr } = await nightshift(['validate'], { cwd: folder.path });
    expect(stderr).toContain('hint: did you mean churn.onnx?');
    expect(stderr).toMatch(/error INPUT_NOT_FOUND: jobs\.yaml:\d+:\d+ jobs\.input\.input\.path: input file /);
    expect(stderr).toContain('hint: did you mean churn.csv?');
    const noSpec = await nightshift(['validate', 'job.yaml'], { cwd: folder.path });
    expect(noSpec).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('hint: did you mean jobs.yaml?') });
  });

  it('looks only at the jobs that are named', async () => {
    await using folder = await temporaryFolder();
    await writeSpec(folder.path, { a: wrongColumn, b: noModel });
    expect(await nightshift(['validate', 'jobs.yaml', 'b'], { cwd: folder.path })).toMatchObject({ exitCode: 4 });
  });

  it('tells every mistake in the spec itself', async () => {
    await using folder = await temporaryFolder();
    await writeFile(
      join(folder.path, 'jobs.yaml'),
      'version: 1\njobs:\n  a:\n    modell: x.onnx\n    input: x.csv\n    output: out\n    execution: { batchSize: none }\n',
    );
    const { exitCode, stderr } = await nightshift(['validate'], { cwd: folder.path });
    expect(exitCode).toBe(2);
    expect(stderr.match(/^error SPEC_INVALID: jobs\.yaml:/gm)?.length).toBeGreaterThan(1);
    expect(stderr).toContain('batchSize');
    expect(stderr).toContain('modell');
  });

  it('is one JSON document with --json', async () => {
    await using folder = await temporaryFolder();
    await writeSpec(folder.path, { a: wrongColumn, flights: flightsJob });
    const { exitCode, stdout, stderr } = await nightshift(['validate', '--json'], { cwd: folder.path });
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      v: 1,
      spec: 'jobs.yaml',
      jobs: [
        { job: 'a', ok: false, error: { code: 'COLUMN_MISSING' } },
        { job: 'flights', ok: true },
      ],
    });
  });
});
