import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExecutionOptions, ExecutorEvent } from '../../src/executor/contract.ts';
import { LocalExecutor } from '../../src/executor/local.ts';
import { temporaryFolder } from '../e2e/nightshift.ts';
import { commitOf, planOf } from '../plan/run-plan.ts';

/**
 * A worker to which the first shard is heavy: its memory is measured in rows and, once taken, stays taken. It tells slots
 * apart by their threads, and leaves files to tell what happened.
 */
const worker = `
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
const { FOLDER, MEMORY, DOWN_TO, STARTS_ONCE, KILLED_STARTING, WAITS, OMP_NUM_THREADS } = process.env;
const noMemory = { code: 'OUT_OF_MEMORY', message: 'no memory' };
let taken = 0;
process.on('disconnect', () => process.exit());
process.on('message', (message) => {
  if (message.type === 'stop') process.exit();
  if (message.type === 'start') {
    if (isKilledStarting()) process.kill(process.pid, 'SIGKILL');
    const isRefused = STARTS_ONCE && existsSync(FOLDER + '/failed-on-' + OMP_NUM_THREADS);
    if (isRefused) process.send({ type: 'failed', error: { code: 'MODEL_INVALID', message: 'no start' } });
    else process.send({ type: 'ready', protocol: message.protocol, providers: ['cpu'], rssBytes: 1 });
  }
  if (message.type === 'measure') process.send({ type: 'failed', error: noMemory });
  if (message.type === 'score') score(message);
});
function isKilledStarting() {
  if (OMP_NUM_THREADS !== '1') return false;
  const starts = readdirSync(FOLDER).filter((name) => name.startsWith('start-')).length;
  writeFileSync(FOLDER + '/start-' + process.pid, '');
  return starts < Number(KILLED_STARTING ?? 0);
}
function score({ shard, attempt, batchRows }) {
  if (WAITS && shard === 0 && attempt === 1 && !existsSync(FOLDER + '/done-1')) {
    setTimeout(score, 5, { shard, attempt, batchRows });
    return;
  }
  if (shard === 0 && Number(DOWN_TO) < batchRows) process.send({ type: 'reduced', batchRows: Number(DOWN_TO) });
  if (shard === 0) taken = Math.max(taken, batchRows);
  if (shard === 0 && taken > Number(MEMORY)) {
    writeFileSync(FOLDER + '/failed-on-' + OMP_NUM_THREADS, '');
    process.send({ type: 'failed', shard, error: noMemory });
    return;
  }
  const commit = { ...${JSON.stringify(commitOf(0))}, shard, attempt, batchRows };
  process.send({ type: 'done', commit, rssBytes: 1, peakRssBytes: 2 }, () => writeFileSync(FOLDER + '/done-' + shard, ''));
}
`;

const oneRetry = { maxAttempts: 2, initialDelayMs: 1, maxDelayMs: 1, multiplier: 1, jitter: 'none' } as const;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

interface Settings {
  readonly env: Readonly<Record<string, string>>;
  readonly slots?: number;
  readonly shards?: number;
  readonly options?: Partial<ExecutionOptions>;
}

/** What happens when such workers run shards. */
async function execute({ env, slots = 1, shards = 1, options }: Settings): Promise<readonly ExecutorEvent[]> {
  const entry = join(folder.path, 'worker.mjs');
  await writeFile(entry, worker);
  const device = { name: 'cpu', kind: 'cpu', uuid: undefined, description: '', memoryBytes: undefined } as const;
  const plan = planOf(shards);
  await using executor = new LocalExecutor({ entry, env: { FOLDER: folder.path, ...env } });
  const events: ExecutorEvent[] = [];
  const given = executor.execute({
    slots: Array.from({ length: slots }, (_, index) => ({ index, device, intraOpThreads: index + 1 })),
    plan,
    shards: plan.shards,
    outputFolder: folder.path,
    runId: 'r1',
    batch: { batchRows: 1000 },
    prefetch: false,
    warmupBatches: 0,
    profile: false,
    fallback: 'fail',
    maxWorkerMemoryBytes: undefined,
    batchTimeoutMs: 20_000,
    retry: { maxAttempts: 4, initialDelayMs: 1, maxDelayMs: 1, multiplier: 1, jitter: 'none' },
    maxFailedShards: 0,
    signal: new AbortController().signal,
    ...options,
  });
  for await (const event of given) events.push(event);
  return events;
}

type EventOf<Type extends ExecutorEvent['type']> = Extract<ExecutorEvent, { readonly type: Type }>;

function all<Type extends ExecutorEvent['type']>(events: readonly ExecutorEvent[], type: Type) {
  return events.filter((event): event is EventOf<Type> => event.type === type);
}

/** Slot and process of each attempt at the first shard. */
function attempts(events: readonly ExecutorEvent[]) {
  const pids = new Map<number, number>();
  return events.flatMap((event) => {
    if (event.type === 'worker-ready') pids.set(event.slot.index, event.pid);
    return event.type === 'shard-started' && event.shard === 0
      ? [{ slot: event.slot.index, pid: pids.get(event.slot.index) }]
      : [];
  });
}

describe('a shard that finds no memory', () => {
  it('is tried again by a new process, with half the rows a batch, until they fit', async () => {
    const events = await execute({ env: { MEMORY: '300' } });
    expect(all(events, 'shard-failed')).toMatchObject([
      { attempt: 1, willRetry: true, error: { code: 'OUT_OF_MEMORY' } },
      { attempt: 2, willRetry: true, error: { code: 'OUT_OF_MEMORY' } },
    ]);
    expect(all(events, 'batch-reduced').map(({ batchRows }) => batchRows)).toEqual([500, 250]);
    expect(all(events, 'shard-done')).toMatchObject([{ commit: { attempt: 3, batchRows: 250 } }]);
    expect(new Set(attempts(events).map(({ pid }) => pid)).size).toBe(3);
    expect(all(events, 'worker-lost')).toEqual([]);
  });

  it('is tried again with half the rows that its session had come down to', async () => {
    const events = await execute({ env: { MEMORY: '60', DOWN_TO: '100' } });
    expect(all(events, 'batch-reduced').map(({ batchRows }) => batchRows)).toEqual([50]);
    expect(all(events, 'shard-done')).toMatchObject([{ commit: { attempt: 2, batchRows: 50 } }]);
  });

  it('even for one row leaves the others their batches', async () => {
    const events = await execute({ env: { MEMORY: '0', DOWN_TO: '1' }, shards: 2, options: { retry: oneRetry } });
    expect(all(events, 'batch-reduced')).toEqual([]);
    expect(all(events, 'shard-failed')).toMatchObject([{ willRetry: true }, { willRetry: false }]);
    expect(all(events, 'shard-done')).toMatchObject([{ shard: 1, commit: { batchRows: 1000 } }]);
  });

  it('has batches of the same size where the model fixes it, and a new process', async () => {
    const plan = { ...planOf(1), fixedBatchRows: 8 };
    const events = await execute({ env: { MEMORY: '4' }, options: { plan, retry: oneRetry } });
    expect(all(events, 'batch-reduced')).toEqual([]);
    expect(new Set(attempts(events).map(({ pid }) => pid)).size).toBe(2);
    expect(all(events, 'shard-failed')).toMatchObject([{ willRetry: true }, { willRetry: false }]);
  });

  it('waits for the new process of its slot, though another worker is idle', async () => {
    const events = await execute({ env: { MEMORY: '500', WAITS: '1' }, slots: 2, shards: 2 });
    const [first, second, ...others] = attempts(events);
    expect(others).toEqual([]);
    expect(second?.slot).toBe(first?.slot);
    expect(second?.pid).not.toBe(first?.pid);
    expect(all(events, 'shard-done')).toMatchObject([{ shard: 1 }, { shard: 0, commit: { batchRows: 500 } }]);
  });

  it('goes to another worker when none can be started on its slot again', async () => {
    const events = await execute({ env: { MEMORY: '500', WAITS: '1', STARTS_ONCE: '1' }, slots: 2, shards: 2 });
    const [first, second, ...others] = attempts(events);
    expect(others).toEqual([]);
    expect(second?.slot).not.toBe(first?.slot);
  });

  it('while the batch size is measured is scored by a new process', async () => {
    const events = await execute({ env: { MEMORY: '500' }, options: { batch: undefined } });
    expect(all(events, 'worker-ready').map(({ pid }) => pid)).toEqual([expect.any(Number), attempts(events)[0]?.pid]);
    expect(all(events, 'batch-measured')).toMatchObject([{ batchRows: 256 }]);
    expect(all(events, 'shard-done')).toMatchObject([{ commit: { attempt: 1, batchRows: 256 } }]);
  });
});

describe('rounds', () => {
  const oneOf = (shards: number) => [{ batch: { batchRows: 8 }, shards: Array.from({ length: shards }, (_, i) => i) }];

  it('follow one another, each with its batches, when all shards of the last one are done', async () => {
    const rounds = [
      { batch: { batchRows: 64 }, shards: [0, 1, 2] },
      { batch: { batchRows: 8 }, shards: [3] },
      { batch: { batchRows: 512 }, shards: [4, 5] },
    ];
    const events = await execute({ env: { MEMORY: '9999' }, slots: 2, shards: 6, options: { rounds } });
    const round = (shard: number) => rounds.findIndex(({ shards }) => shards.includes(shard));
    const order = events.flatMap((event) =>
      event.type === 'shard-started' || event.type === 'shard-done' ? event : [],
    );
    expect(order.map(({ shard }) => round(shard))).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 2]);
    expect(all(events, 'worker-ready')).toHaveLength(2);
    for (const { shard, commit } of all(events, 'shard-done'))
      expect(commit.batchRows).toBe(rounds[round(shard)]?.batch.batchRows);
  });
  it('begin when the last worker is ready', async () => {
    const events = await execute({ env: { MEMORY: '9999' }, slots: 3, shards: 6, options: { rounds: oneOf(6) } });
    const order = events.map(({ type }) => type).filter((type) => type === 'worker-ready' || type === 'shard-started');
    expect(order.lastIndexOf('worker-ready')).toBeLessThan(order.indexOf('shard-started'));
    expect(all(events, 'shard-done')).toHaveLength(6);
    expect(all(events, 'shard-done')[0]?.peakRssBytes).toBe(2);
  });

  it('do not wait for a worker that cannot start', async () => {
    const env = { MEMORY: '9999', STARTS_ONCE: 'yes' };
    await writeFile(join(folder.path, 'failed-on-2'), '');
    const events = await execute({ env, slots: 2, shards: 2, options: { rounds: oneOf(2) } });
    expect(all(events, 'shard-done').map(({ slot }) => slot.index)).toEqual([0, 0]);
  });
});

describe('a worker that is killed while it starts', () => {
  it('is started again, and the run knows of each that was lost', async () => {
    const events = await execute({ env: { KILLED_STARTING: '3', MEMORY: '9999' } });
    expect(all(events, 'worker-lost')).toHaveLength(3);
    expect(all(events, 'shard-done')).toMatchObject([{ commit: { attempt: 1 } }]);
  });

  it('is given up after retry.maxAttempts starts in a row, which the run fails with', async () => {
    await expect(execute({ env: { KILLED_STARTING: '99' } })).rejects.toMatchObject({
      code: 'WORKER_START_FAILED',
      message: expect.stringMatching(/^worker on cpu died while it started: worker \d+ on cpu died \(SIGKILL\)/),
    });
    expect(readdirSync(folder.path).filter((name) => name.startsWith('start-'))).toHaveLength(4);
  });

  it('is not waited for by the others', async () => {
    const slow = {
      maxAttempts: 4,
      initialDelayMs: 600_000,
      maxDelayMs: 600_000,
      multiplier: 1,
      jitter: 'none',
    } as const;
    const events = await execute({
      ...{ slots: 2, shards: 3, options: { retry: slow } },
      env: { KILLED_STARTING: '1', MEMORY: '9999' },
    });
    expect(all(events, 'shard-done')).toHaveLength(3);
  });
});
