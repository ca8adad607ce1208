import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { eventsIn, nightshift, runJob, runJobs, temporaryFolder, writeSpec } from '../e2e/nightshift.ts';
import { digitsJob, flightsJob, glossesJob } from './flights-job.ts';

const missing = { ...digitsJob, model: 'no-such.onnx', output: { ...digitsJob.output, path: 'out-missing' } };

/** Field names and the kinds of their values. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]));
}

describe('run', () => {
  it('prints events as NDJSON, of shapes that programs rely on', async () => {
    await using folder = await temporaryFolder();
    const job = { ...digitsJob, checks: [{ distinct: { column: 'digit', min: 11, severity: 'warn' } }] };
    const { exitCode, stdout, stderr, events } = await runJob(folder.path, job, ['--set', 'execution.batchSize=auto']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.split('\n')).toHaveLength(events.length);
    const shapes = events.map(({ v: _v, time: _time, job: _job, runId: _runId, ...own }) => [own.type, shapeOf(own)]);
    expect(Object.fromEntries(shapes)).toMatchInlineSnapshot(`
      {
        "batch-measured": {
          "batchRows": "number",
          "type": "string",
        },
        "checks-evaluated": {
          "checks": [
            {
              "bound": "string",
              "column": "string",
              "name": "string",
              "passed": "boolean",
              "severity": "string",
              "value": "number",
            },
          ],
          "type": "string",
        },
        "run-planned": {
          "devices": [
            "string",
          ],
          "files": "number",
          "intraOpThreads": "number",
          "prefetch": "boolean",
          "rows": "number",
          "rowsDone": "number",
          "shards": "number",
          "shardsDone": "number",
          "type": "string",
          "workers": "number",
        },
        "run-published": {
          "batchRows": "number",
          "bytes": "number",
          "logicalDate": "string",
          "output": "string",
          "parts": "number",
          "providers": [
            "string",
          ],
          "rejects": [],
          "rows": {
            "filtered": "number",
            "in": "number",
            "out": "number",
            "rejected": "number",
          },
          "rowsPerSecond": "number",
          "seconds": "number",
          "type": "string",
        },
        "run-started": {
          "logicalDate": "string",
          "model": {
            "path": "string",
            "sha256": "string",
          },
          "output": "string",
          "resumes": "boolean",
          "type": "string",
        },
        "shard-done": {
          "attempt": "number",
          "device": "string",
          "readSeconds": "number",
          "rows": {
            "filtered": "number",
            "in": "number",
            "out": "number",
            "rejected": "number",
          },
          "seconds": "number",
          "sessionSeconds": "number",
          "shard": "number",
          "slot": "number",
          "type": "string",
          "writeSeconds": "number",
        },
        "shard-progress": {
          "device": "string",
          "rows": "number",
          "shard": "number",
          "slot": "number",
          "type": "string",
        },
        "shard-started": {
          "attempt": "number",
          "device": "string",
          "shard": "number",
          "slot": "number",
          "type": "string",
        },
        "warning": {
          "code": "string",
          "message": "string",
          "type": "string",
        },
        "worker-ready": {
          "device": "string",
          "pid": "number",
          "providers": [
            "string",
          ],
          "slot": "number",
          "type": "string",
        },
      }
    `);
    for (const event of events)
      expect(event).toMatchObject({
        v: 1,
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        job: 'job',
        runId: events[0]?.['runId'],
      });
  });

  it('writes plain lines to stderr and nothing to stdout', async () => {
    await using folder = await temporaryFolder();
    await writeSpec(folder.path, { digits: digitsJob });
    const { exitCode, stdout, stderr } = await nightshift(['run'], { cwd: folder.path });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    const stable = stderr
      .replaceAll(/\d+\.\d s, [\d,]+ rows\/s/g, '<time>, <rate>')
      .replaceAll(/[\d.]+ KiB/g, '<size>');
    expect(`\n${stable}\n`).toMatchInlineSnapshot(`
      "
      digits  1,797 rows of 1 file in 1 shard; 1 worker on cpu
      digits  published 1,797 rows in <time>, <rate>
        rows     1,797 in, 1,797 out, 0 rejected, 0 filtered
        output   out-digits  1 part, <size>
        ran on   cpu, batches of 64 rows
      "
    `);
  });

  it('says little when quiet and much when verbose', async () => {
    await using folder = await temporaryFolder();
    await writeSpec(folder.path, { digits: digitsJob });
    const run = (flag: string) => nightshift(['run', flag], { cwd: folder.path });
    expect(await run('-q')).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect((await run('-v')).stderr).toMatch(/worker \d+ is ready on cpu[\s\S]*shard 0 is done: 1,797 rows/);
  });

  it('takes settings from flags, which win over --set', async () => {
    await using folder = await temporaryFolder();
    const flags = ['--set', 'execution.batchSize=7', '--batch-size', '50', '--limit', '120', '--workers', '1'];
    const { events } = await runJob(folder.path, flightsJob, [...flags, '--set', 'execution.shardRows=60']);
    expect(events.find(({ type }) => type === 'run-planned')).toMatchObject({ rows: 120, shards: 2, workers: 1 });
    expect(events.at(-1)).toMatchObject({ type: 'run-published', batchRows: 50, rows: { in: 120, out: 120 } });
  });

  it('takes the tokens of a batch from a flag, of which there may be one', async () => {
    await using folder = await temporaryFolder();
    const flags = ['--batch-tokens', '1', '--limit', '3'];
    const { events } = await runJob(folder.path, glossesJob, flags);
    expect(events.at(-1)).toMatchObject({ type: 'run-published', batchTokens: 1, rows: { out: 3 } });
    const { stdout, stderr } = await nightshift(['run', ...flags], { cwd: folder.path });
    expect(`${stdout}${stderr}`).toMatch(/batches of 1 token, 4,096 rows at most/);
  });

  it('publishes rejects up to --max-rejected without scoring again', async () => {
    await using folder = await temporaryFolder();
    const job = { ...flightsJob, features: { features: { ...flightsJob.features.features, nulls: 'reject' } } };
    const refused = await runJob(folder.path, job);
    expect(refused).toMatchObject({ exitCode: 3 });
    expect(refused.events.at(-1)).toMatchObject({ type: 'error', code: 'REJECTS_OVER_LIMIT', job: 'job', exitCode: 3 });
    const published = await nightshift(['run', '--json', '--max-rejected', '100%'], { cwd: folder.path });
    expect(published.exitCode).toBe(0);
    const types = eventsIn(published).map(({ type }) => type);
    expect(types).toEqual(['run-started', 'run-planned', 'run-published']);
  });
});

describe('several jobs', () => {
  it('run in the order of the file, or as named', async () => {
    await using folder = await temporaryFolder();
    const order = (events: readonly { readonly type: string; readonly job?: unknown }[]) =>
      events.filter(({ type }) => type === 'run-published').map(({ job }) => job);
    const jobs = { flights: flightsJob, digits: digitsJob };
    expect(order((await runJobs(folder.path, jobs)).events)).toEqual(['flights', 'digits']);
    expect(order((await runJobs(folder.path, jobs, ['digits', 'flights', 'digits'])).events)).toEqual([
      'digits',
      'flights',
    ]);
  });

  it('stop at the first failure, and say what was not run', async () => {
    await using folder = await temporaryFolder();
    await writeSpec(folder.path, { missing, digits: digitsJob });
    const { exitCode, stderr } = await nightshift(['run'], { cwd: folder.path });
    expect(exitCode).toBe(4);
    expect(stderr).toContain('error MODEL_NOT_FOUND: ');
    expect(stderr).toContain('job digits was not run; --keep-going goes on after a failure');
    expect(await readdir(folder.path)).not.toContain('out-digits');
  });

  it('go on after a failure with --keep-going, and end with its exit code', async () => {
    await using folder = await temporaryFolder();
    const { exitCode, events } = await runJobs(folder.path, { missing, digits: digitsJob }, ['--keep-going']);
    expect(exitCode).toBe(4);
    expect(events[0]).toMatchObject({ type: 'error', code: 'MODEL_NOT_FOUND', job: 'missing' });
    expect(events.at(-1)).toMatchObject({ type: 'run-published', job: 'digits' });
  });

  it('are refused before anything runs when two write to one folder', async () => {
    await using folder = await temporaryFolder();
    const again = { ...flightsJob, output: { path: './out-digits/' } };
    await writeSpec(folder.path, { digits: digitsJob, again });
    const { exitCode, stderr } = await nightshift(['run'], { cwd: folder.path });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^error SPEC_INVALID: jobs\.yaml:\d+:\d+ jobs\.again\.output\.path: .* job digits too$/m);
    expect(await readdir(folder.path)).toEqual(['jobs.yaml']);
    expect((await nightshift(['run', 'jobs.yaml', 'digits'], { cwd: folder.path })).exitCode).toBe(0);
  });

  it('are named as they are spelled', async () => {
    await using folder = await temporaryFolder();
    await writeSpec(folder.path, { digits: digitsJob });
    const run = (...args: readonly string[]) => nightshift(['run', ...args], { cwd: folder.path });
    expect(await run('jobs.yaml', 'digit')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('did you mean digits?'),
    });
    expect(await run('digits')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('write `jobs.yaml digits`'),
    });
    expect(await run('other.yaml')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('error SPEC_NOT_FOUND: '),
    });
  });
});
