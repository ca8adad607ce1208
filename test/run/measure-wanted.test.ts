import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newPorts } from '../../src/cli/context.ts';
import { AppError } from '../../src/core/errors.ts';
import type { ExecutionOptions, Executor, ExecutorEvent } from '../../src/executor/contract.ts';
import type { Setting } from '../../src/plan/tune-grid.ts';
import type { Answer, Wanted } from '../../src/plan/tune-heats.ts';
import { Measurer, type SettingMeasured } from '../../src/run/measure-wanted.ts';
import { loadSpec } from '../../src/spec/load-spec.ts';
import { root, temporaryFolder } from '../e2e/nightshift.ts';
import { commitOf, planOf } from '../plan/run-plan.ts';

const failing = 64;
const rejecting = 32;

/** Scores nothing: shards are done at once, unless their batches have as many rows as fail, or as lose one a shard. */
class Instant implements Executor {
  readonly #runs: ExecutionOptions[];

  constructor(runs: ExecutionOptions[]) {
    this.#runs = runs;
  }

  warmUp(): void {}

  async *execute(options: ExecutionOptions): AsyncIterable<ExecutorEvent> {
    this.#runs.push(options);
    const [slot] = options.slots;
    if (slot === undefined) return;
    const error = new AppError('OUT_OF_MEMORY', 'no memory');
    const failed = {
      type: 'shard-failed',
      attempt: 1,
      willRetry: false,
      retryAfterMs: undefined,
      error,
      slot,
    } as const;
    for (const { batch, shards } of options.rounds ?? []) {
      for (const shard of shards) {
        if (batch?.batchRows === failing) yield { ...failed, shard };
        const commit = commitOf(shard, { ...batch, rejectedRows: batch?.batchRows === rejecting ? 1 : 0 });
        yield { type: 'shard-started', shard, attempt: 1, slot };
        yield { type: 'shard-done', shard, commit, slot, peakRssBytes: 9 };
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

const present: Setting = {
  workersPerDevice: 2,
  intraOpThreads: 1,
  batchSize: 8,
  batchTokens: 'auto',
  readAhead: 0,
  graphOptimization: 'all',
};
const alone: Setting = { ...present, workersPerDevice: 1 };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

interface Measured extends Answer {
  readonly runs: readonly ExecutionOptions[];
  readonly events: readonly SettingMeasured[];
}

/** What comes of what is wanted, one after the other, when so much time is left. */
async function measured(ms: number, ...wanted: readonly Partial<Wanted>[]): Promise<readonly Measured[]> {
  const { jobs } = await loadSpec({ path: join(root, 'jobs.example.yaml'), env: {} });
  const [job] = jobs;
  if (job === undefined) throw new Error('the example has no job');
  const device = { name: 'cpu', kind: 'cpu', uuid: undefined, description: '', memoryBytes: undefined } as const;
  const { signal } = new AbortController();
  const bench = { job, plan: planOf(8), devices: [device], auto: undefined, folder: folder.path, signal };
  const runs: ExecutionOptions[] = [];
  const ports = { ...newPorts(), newExecutor: () => new Instant(runs) };
  const sample = { bench, repeats: 3, lookSeconds: 10, startSeconds: 1 };
  const measurer = new Measurer(ports, sample, { ms, started: performance.now() });
  const answers: Measured[] = [];
  for (const each of wanted) {
    const before = runs.length;
    const events: SettingMeasured[] = [];
    const none = { settings: [], rounds: 1, isShort: true, isConfirming: false };
    const measuring = measurer.measure({ ...none, ...each });
    let step = await measuring.next();
    for (; step.done !== true; step = await measuring.next()) events.push(step.value);
    answers.push({ ...step.value, runs: runs.slice(before), events });
  }
  return answers;
}

const counts = ({ rates }: Answer) => rates.map(({ length }) => length);

describe('measuring what is wanted', () => {
  it('starts the workers of settings that differ in their batches once, and warms them before it counts', async () => {
    const settings = [present, { ...present, batchSize: 16 }];
    const [answer] = await measured(1e9, { settings, rounds: 3 });
    expect(answer?.runs).toHaveLength(1);
    const rows = answer?.runs[0]?.rounds?.map(({ batch }) => batch?.batchRows);
    expect(rows).toEqual([8, 16, 8, 16, 16, 8, 8, 16]);
    expect(answer && counts(answer)).toEqual([3, 3]);
    expect(answer?.events.map(({ measurement }) => measurement?.batch.batchRows)).toEqual([8, 8, 8, 16, 16, 16]);
  });

  it('takes those that need other workers by turns, forth and back', async () => {
    const [answer] = await measured(1e9, { settings: [present, alone], rounds: 3 });
    expect(answer?.runs.map(({ slots }) => slots.length)).toEqual([2, 1, 1, 2, 2, 1]);
    expect(answer && counts(answer)).toEqual([3, 3]);
  });

  it('scores the sample longer for all but first looks', async () => {
    const shards = async (isShort: boolean) => {
      const [answer] = await measured(1e9, { settings: [alone], isShort });
      return answer?.runs[0]?.rounds?.at(-1)?.shards.length;
    };
    expect([await shards(true), await shards(false)]).toEqual([3, 6]);
  });

  it('counts as a rate only rows that could be scored', async () => {
    const settings = [alone, { ...alone, batchSize: rejecting }];
    const [answer] = await measured(1e9, { settings });
    const rows = answer?.events.flatMap(({ measurement }) =>
      measurement === undefined ? [] : [Math.round(measurement.rowsPerSecond * measurement.seconds)],
    );
    const [all = 0] = rows ?? [];
    expect(all).toBeGreaterThan(0);
    expect(rows).toEqual([all, all - 3]);
  });

  it('gives a setting that fails a rate of 0, and what it spoiled is measured again', async () => {
    const settings = [present, { ...present, batchSize: failing }, { ...present, batchSize: 32 }];
    const [, answer] = await measured(1e9, { settings: [present] }, { settings, rounds: 2 });
    expect(answer?.rates.map((rates) => rates.map((rate) => rate > 0))).toEqual([
      [true, true],
      [false, false],
      [true, true],
    ]);
    expect(answer?.events.map(({ failure }) => failure?.code)).toEqual([
      ...[undefined, undefined, 'OUT_OF_MEMORY', 'OUT_OF_MEMORY', undefined, undefined],
    ]);
  });

  it('ends with the error where the very first fails', async () => {
    await expect(measured(1e9, { settings: [{ ...present, batchSize: failing }] })).rejects.toThrow('no memory');
  });

  it('measures the very first whatever is left, and of the others what the budget has room for', async () => {
    const settings = [present, { ...present, batchSize: 16 }, { ...present, batchSize: 32 }];
    const [first, none] = await measured(0, { settings: [present] }, { settings });
    expect([first, none].map((answer) => answer && counts(answer))).toEqual([[1], [0, 0, 0]]);
    expect(none?.runs).toEqual([]);
    // A look takes five seconds by then, and a quarter of the budget is kept for the last ones.
    const [, some] = await measured(18_000, { settings: [present] }, { settings });
    const [, last] = await measured(18_000, { settings: [present] }, { settings, isConfirming: true });
    expect([some, last].map((answer) => answer && counts(answer))).toEqual([
      [1, 1, 0],
      [1, 1, 1],
    ]);
  });
});
