import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newPorts } from '../../src/cli/context.ts';
import { AppError } from '../../src/core/errors.ts';
import { LocalExecutor } from '../../src/executor/local.ts';
import type { RunEvent } from '../../src/run/events.ts';
import type { Ports } from '../../src/run/ports.ts';
import { runJob } from '../../src/run/run-job.ts';
import { parseSpec } from '../../src/spec/load-spec.ts';
import { flightsJob } from '../cli/flights-job.ts';
import { holdingWorkers } from '../e2e/holding-workers.ts';
import { makeParquet, root, sql, typeModel } from '../e2e/nightshift.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightshift-local-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Watched {
  readonly events: readonly RunEvent[];
  readonly error: unknown;
}

interface RunSettings {
  readonly execution?: object;
  /** Other settings of the job. */
  readonly spec?: object;
  readonly model?: string;
  readonly ports?: Ports;
  /** Happens while the workers go on. */
  readonly onEvent?: (event: RunEvent, workers: Workers) => void;
}

/** Scores flights in six shards by real worker processes. */
async function run({
  execution,
  spec: settingsOfJob,
  model = flightsJob.model,
  ports = newPorts(),
  onEvent,
}: RunSettings): Promise<Watched> {
  const settings = {
    devices: 'cpu',
    workersPerDevice: 2,
    intraOpThreads: 1,
    batchSize: 1,
    shardRows: 500,
    ...execution,
  };
  const spec = { ...flightsJob, model, input: { path: flightsJob.input, limit: 3000 } };
  const jobs = { job: { ...spec, ...settingsOfJob, execution: settings } };
  const text = JSON.stringify({ version: 1, jobs });
  const [job] = parseSpec({ text, path: join(folder, 'jobs.yaml'), env: {} }).jobs;
  if (job === undefined) throw new Error('the spec has no job');
  const events: RunEvent[] = [];
  const workers = new Workers();
  const { signal } = new AbortController();
  const options = {
    job,
    baseDir: folder,
    locate: () => 'jobs.yaml',
    restart: false,
    resume: undefined,
    waitMs: 0,
    signal,
  };
  try {
    for await (const event of runJob(ports, options)) {
      events.push(event);
      if (event.type === 'worker-ready') workers.pids.set(event.slot, event.pid);
      onEvent?.(event, workers);
    }
    return { events, error: undefined };
  } catch (error) {
    return { events, error };
  }
}

class Workers {
  readonly pids = new Map<number, number>();

  kill(slot: number): void {
    const pid = this.pids.get(slot);
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  }
}

/** Digests of the parts that are published. */
async function digests(): Promise<unknown> {
  const manifest: { readonly parts: readonly { readonly name: string; readonly sha256: string }[] } = JSON.parse(
    await readFile(join(folder, 'out/_nightshift/manifest.json'), 'utf8'),
  );
  return manifest.parts.map(({ name, sha256 }) => [name, sha256]);
}

/** Workers that wait at the end of some attempts at a shard, so that whoever kills them is not late. */
function heldPorts(shard: number, attempts: string): Ports {
  const entry = join(root, 'src/worker/main.ts');
  const env = { ...process.env, ...holdingWorkers({ shards: String(shard), attempts, folder }) };
  return { ...newPorts(), newExecutor: () => new LocalExecutor({ entry, env }) };
}

function count(events: readonly RunEvent[], type: RunEvent['type']): number {
  return events.filter((event) => event.type === type).length;
}

describe('worker processes', () => {
  it('that crash cost their shard an attempt, and the result is the same', async () => {
    await run({});
    const wanted = await digests();
    const seen: RunEvent[] = [];
    const struck: number[] = [];
    const { events, error } = await run({
      ports: heldPorts(5, '1|2'),
      onEvent: (event, workers) => {
        seen.push(event);
        const last = seen.findLast((one) => one.type === 'shard-started' && one.shard === 5);
        if (last?.type !== 'shard-started' || struck.includes(last.attempt) || last.attempt > 2) return;
        // Not before another worker has nothing to do, so that it is clear who makes the next attempt.
        if (count(seen, 'shard-done') < 5 || count(seen, 'worker-ready') < last.attempt + 1) return;
        struck.push(last.attempt);
        workers.kill(last.slot);
      },
    });
    expect(error).toBeUndefined();
    expect(struck).toEqual([1, 2]);
    expect(events.filter((event) => event.type === 'shard-failed')).toMatchObject([
      { shard: 5, attempt: 1, willRetry: true, code: 'WORKER_CRASHED' },
      { shard: 5, attempt: 2, willRetry: true, code: 'WORKER_CRASHED' },
    ]);
    expect(events.filter((event) => event.type === 'shard-done' && event.shard === 5)).toMatchObject([{ attempt: 3 }]);
    expect(count(events, 'worker-lost')).toBe(2);
    const slots = events.flatMap((event) => (event.type === 'shard-started' && event.shard === 5 ? [event.slot] : []));
    expect(slots[1]).not.toBe(slots[0]);
    expect(slots[2]).not.toBe(slots[1]);
    expect(await digests()).toEqual(wanted);
  });

  it('that always die on a shard fail that shard alone, and nothing is published', async () => {
    const { events, error } = await run({
      ports: heldPorts(0, '.*'),
      onEvent: (event, workers) => {
        if (event.type === 'shard-started' && event.shard === 0) workers.kill(event.slot);
      },
    });
    expect(error).toMatchObject({
      code: 'SHARDS_FAILED',
      exitCode: 3,
      message: expect.stringMatching(
        /^1 of 6 shards failed, nothing was published; shard 0 \(rows 0 to \d+ of \S+\) failed 4 times: worker \d+ on cpu died \(SIGKILL\)/,
      ),
      hint: expect.stringContaining('the kernel may have killed it for memory'),
    });
    expect(error instanceof AppError && error.details).toMatchObject({ code: 'WORKER_CRASHED', failedShards: 1 });
    expect(count(events, 'shard-done')).toBe(5);
    expect(await readdir(join(folder, 'out'))).toEqual(['_nightshift']);

    const again = await run({});
    expect(again.error).toBeUndefined();
    expect(again.events.filter((event) => event.type === 'shard-started')).toMatchObject([{ shard: 0, attempt: 1 }]);
    expect(again.events.find((event) => event.type === 'run-planned')).toMatchObject({ shards: 6, shardsDone: 5 });
  });

  it('that grow beyond execution.maxWorkerMemory are replaced between shards, and the result is the same', async () => {
    await run({ execution: { batchSize: 100 } });
    const wanted = await digests();
    const { events, error } = await run({
      execution: { batchSize: 100, workersPerDevice: 1, maxWorkerMemory: '1MB' },
    });
    expect(error).toBeUndefined();
    expect(count(events, 'worker-recycled')).toBe(5);
    expect(count(events, 'worker-ready')).toBe(6);
    expect(new Set(events.flatMap((event) => (event.type === 'worker-ready' ? event.pid : []))).size).toBe(6);
    expect(count(events, 'shard-failed')).toBe(0);
    expect(await digests()).toEqual(wanted);
  });

  it('whose model ONNX Runtime does not load say what it says', async () => {
    const model = join(folder, 'broken.onnx');
    const bytes = await readFile(flightsJob.model, 'latin1');
    // Its signature can be read all the same.
    await writeFile(model, bytes.replaceAll('TreeEnsembleClassifier', 'TreeEnsembleClassifieX'), 'latin1');
    const { error } = await run({ model });
    expect(error).toMatchObject({
      code: 'MODEL_INVALID',
      exitCode: 4,
      message: expect.stringContaining(`ONNX Runtime cannot load ${model}: `),
    });
  });

  it('that die while they start are an error of the environment, with the last that they said', async () => {
    const entry = join(folder, 'worker.mjs');
    await writeFile(entry, "console.error('no such library'); process.exit(7);");
    const ports = { ...newPorts(), newExecutor: () => new LocalExecutor({ entry, env: {} }) };
    const { error } = await run({ ports });
    expect(error).toMatchObject({
      code: 'WORKER_START_FAILED',
      exitCode: 4,
      message: expect.stringMatching(
        /^worker on cpu died while it started: worker \d+ on cpu died \(exit code 7\): no such library$/,
      ),
    });
  });
});

describe('a batch that never ends', () => {
  it('costs its worker the life, and its shard an attempt on another worker', async () => {
    const input = join(folder, 'in.parquet');
    await makeParquet(input, 'SELECT i AS id, CASE WHEN i = 25 THEN 1 ELSE -1 END::FLOAT AS x FROM range(60) t(i)', 10);
    const { events, error } = await run({
      spec: {
        model: typeModel('spins'),
        input,
        features: { x: 'x' },
        output: { path: 'out', keep: ['id'] },
        retry: { maxAttempts: 2, initialDelay: '10ms' },
      },
      execution: { batchSize: 4, shardRows: 10, batchTimeout: '2s' },
    });
    expect(error).toMatchObject({ code: 'SHARDS_FAILED', details: { failedShards: 1, shard: 2, attempt: 2 } });
    const failed = events.filter((event) => event.type === 'shard-failed');
    expect(failed).toMatchObject([
      { shard: 2, attempt: 1, willRetry: true, code: 'BATCH_TIMEOUT' },
      { shard: 2, attempt: 2, willRetry: false, code: 'BATCH_TIMEOUT' },
    ]);
    expect(new Set(failed.map((event) => event.type === 'shard-failed' && event.slot)).size).toBe(2);
    expect(count(events, 'shard-done')).toBe(5);
  });
});

describe('errors.maxFailedShards', () => {
  const settings = (maxFailedShards: number, bad: string) => ({
    spec: {
      model: typeModel('spins'),
      input: join(folder, `${bad}.parquet`),
      features: { x: 'x' },
      output: { path: 'out', mode: 'overwrite', keep: ['id'] },
      retry: { maxAttempts: 1 },
      errors: { maxFailedShards },
    },
    execution: { batchSize: 4, shardRows: 10, batchTimeout: '2s' },
  });
  const table = (name: string, bad: readonly number[]) =>
    makeParquet(
      join(folder, `${name}.parquet`),
      `SELECT i AS id, CASE WHEN i IN (${bad.join(', ')}) THEN 1 ELSE -1 END::FLOAT AS x FROM range(60) t(i)`,
      10,
    );

  it('lets shards fail and rejects their rows, and the rest is published', async () => {
    await table('one', [25]);
    const { events, error } = await run(settings(1, 'one'));
    expect(error).toBeUndefined();
    expect(events.find((event) => event.type === 'run-published')).toMatchObject({
      rows: { in: 60, out: 50, rejected: 10, filtered: 0 },
    });
    expect(events.filter((event) => event.type === 'warning')).toMatchObject([{ code: 'SHARDS_FAILED' }]);
    expect(
      await sql(
        `SELECT row_number::INTEGER AS row, row_count::INTEGER AS rows, code FROM '${folder}/out/_nightshift/runs/*/rejects/*.parquet'`,
      ),
    ).toEqual([{ row: 20, rows: 10, code: 'SHARD_FAILED' }]);
    expect(
      await sql(
        `SELECT count(*)::INTEGER AS rows, min(id)::INTEGER AS low, max(id)::INTEGER AS high FROM '${folder}/out/*.parquet'`,
      ),
    ).toEqual([{ rows: 50, low: 0, high: 59 }]);
  });

  it('lets no more of them fail', async () => {
    await table('two', [5, 25]);
    const { events, error } = await run(settings(1, 'two'));
    expect(error).toMatchObject({ code: 'SHARDS_FAILED', details: { failedShards: 1 } });
    expect(count(events, 'shard-done')).toBe(5);
  });
});
