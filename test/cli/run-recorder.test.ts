import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { recordJson, recordText } from '../../src/cli/run-record-text.ts';
import { type RecorderOptions, RunRecorder } from '../../src/cli/run-recorder.ts';
import { AppError } from '../../src/core/errors.ts';
import { openSqliteHistory } from '../../src/history/sqlite-history.ts';
import { temporaryFolder } from '../e2e/nightshift.ts';
import { eventAt, runPlanned, runPublished, runStarted, shardDone, shardProgress } from './run-events.ts';

const job = {
  job: 'flights',
  specPath: '/work/jobs.yaml',
  outputPath: '/work/out',
  logicalDate: '2026-11-24T02:30:00+01:00',
};
const process = { pid: 1, host: 'h', bootId: 'b', startTicks: 's', startedBy: 'cron', nightshiftVersion: '1' } as const;
const { runId } = eventAt(0, runStarted());

/** Records into a folder of its own. */
async function newScene(changes: Partial<RecorderOptions> = {}) {
  const folder = await temporaryFolder();
  const stateFolder = join(folder.path, 'state');
  const failures: AppError[] = [];
  const recorder = new RunRecorder({
    openHistory: async () => openSqliteHistory({ stateFolder }),
    process,
    trigger: 'schedule',
    nowMs: () => 1000,
    newRunId: () => 'made-up',
    onFailure: (error) => failures.push(error),
    ...changes,
  });
  return {
    recorder,
    failures,
    stateFolder,
    runs: () => {
      using history = openSqliteHistory({ stateFolder });
      return history.listRuns({});
    },
    [Symbol.asyncDispose]: async () => {
      await recorder[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

it('begins with the start of the run, and ends with its last event', async () => {
  await using scene = await newScene();
  const record = scene.recorder.begin(job);
  await record.see(eventAt(1, runStarted()));
  expect(scene.runs()).toMatchObject([{ ...job, ...process, runId, state: 'running', trigger: 'schedule' }]);
  for (const body of [runPlanned(), shardProgress(0, 5), shardDone(0), runPublished()])
    await record.see(eventAt(2, body));
  const rows = { rowsIn: 10_000, rowsOut: 9_990, rejectedRows: 3, filteredRows: 7, shards: 10 };
  expect(scene.runs()).toMatchObject([{ state: 'published', exitCode: 0, endedAtMs: 1000, ...rows }]);
});

it('knows how many rows of a published run were not scored', async () => {
  await using scene = await newScene();
  const record = scene.recorder.begin(job);
  for (const body of [runStarted(), runPublished({ repeatedRows: 5, cachedRows: 2 })])
    await record.see(eventAt(2, body));
  const [run] = scene.runs();
  expect(run).toMatchObject({ repeatedRows: 5, cachedRows: 2 });
  if (run === undefined) throw new Error('nothing is recorded');
  expect(recordJson(run)).toMatchObject({ rows: { in: 10_000, repeated: 5, cached: 2 } });
  const text = recordText({ run, others: [], times: undefined }, (_style, shown) => shown);
  expect(text).toContain('5 like another of the run, 2 from the cache');
});

it('counts what was scored until a run failed', async () => {
  await using scene = await newScene();
  const record = scene.recorder.begin(job);
  for (const body of [runStarted(), runPlanned(), shardDone(0), shardDone(1, 4)]) await record.see(eventAt(2, body));
  await record.end({ error: new AppError('SHARDS_FAILED', 'two shards failed') });
  expect(scene.runs()).toMatchObject([
    {
      state: 'failed',
      exitCode: 3,
      errorCode: 'SHARDS_FAILED',
      errorMessage: 'two shards failed',
      rowsOut: 1996,
      rejectedRows: 4,
    },
  ]);
});

it('keeps in the log what was told before the run had an id, and no progress', async () => {
  await using scene = await newScene();
  const record = scene.recorder.begin(job);
  const waiting = { type: 'lock-waiting', output: '/work/out', maxSeconds: 9, message: 'm', holder: {} } as const;
  await record.see({ ...eventAt(0, waiting), runId: '' });
  for (const body of [runStarted(), shardProgress(0, 5)]) await record.see(eventAt(1, body));
  await record.end({ error: new Error('a bug') });
  const log = readFileSync(join(scene.stateFolder, 'logs', `${runId}.ndjson`), 'utf8');
  const types = log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).type);
  expect(types).toEqual(['lock-waiting', 'run-started', 'error']);
  expect(scene.runs()).toMatchObject([{ state: 'failed', exitCode: 1, errorCode: 'INTERNAL' }]);
});

it('gives what failed before it began an id of its own, and calls a stopped one interrupted', async () => {
  await using scene = await newScene();
  await scene.recorder.begin(job).end({ error: new AppError('INTERRUPTED', 'stopped', { exitCode: 143 }) });
  expect(scene.runs()).toMatchObject([{ runId: 'made-up', state: 'interrupted', exitCode: 143 }]);
});

it('says that a run failed which did so after it was published', async () => {
  await using scene = await newScene();
  const record = scene.recorder.begin(job);
  for (const body of [runStarted(), runPublished()]) await record.see(eventAt(1, body));
  await record.end({ error: new AppError('DISK_FULL', 'no space left') });
  expect(scene.runs()).toMatchObject([{ state: 'failed', errorCode: 'DISK_FULL' }]);
});

it('tells once of a history that cannot be opened, and does not try again', async () => {
  let tries = 0;
  const openHistory = async () => {
    tries++;
    throw new AppError('HISTORY_UNAVAILABLE', 'no');
  };
  await using scene = await newScene({ openHistory });
  for (const name of ['a', 'b']) {
    const record = scene.recorder.begin({ ...job, job: name });
    await record.see(eventAt(0, runStarted()));
    await record.end({ error: new Error('x') });
  }
  expect({ tries, told: scene.failures.map(({ message }) => message) }).toEqual({ tries: 1, told: ['no'] });
});
