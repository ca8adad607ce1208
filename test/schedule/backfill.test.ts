import { describe, expect, it } from 'vitest';
import {
  type BackfillChoice,
  type BackfillEvent,
  type BackfillRequest,
  backfill,
  type PartitionState,
} from '../../src/schedule/backfill.ts';
import type { Launcher, LaunchRequest, RunEnd } from '../../src/schedule/launcher.ts';

const published: RunEnd = { exitCode: 0, state: 'published', seconds: 1 };
const interrupted: RunEnd = { exitCode: 143, state: 'interrupted', seconds: 1 };

const partitions = ['01', '02', '03', '04', '05'].map((day) => ({
  dateMs: Date.parse(`2026-11-${day}`),
  logicalDate: `2026-11-${day}T00:00:00+00:00`,
  output: `/out/${day}`,
}));

/** Runs that end when the test says so. */
class Runs {
  readonly going = new Map<string, (end: RunEnd) => void>();
  readonly requests: LaunchRequest[] = [];
  readonly stopped: string[] = [];
  most = 0;

  readonly launcher: Launcher = {
    launch: (request) => {
      const day = request.logicalDate.slice(8, 10);
      this.requests.push(request);
      const { promise, resolve } = Promise.withResolvers<RunEnd>();
      this.going.set(day, resolve);
      this.most = Math.max(this.most, this.going.size);
      const stop = (signal: string = 'SIGTERM') => {
        this.stopped.push(`${day} ${signal}`);
        this.end(day, interrupted);
      };
      return { ended: promise, stop, kill: () => stop('SIGKILL') };
    },
  };

  end(day: string, end = published): void {
    this.going.get(day)?.(end);
    this.going.delete(day);
  }
}

interface Asked extends Partial<BackfillRequest> {
  readonly states?: Readonly<Record<string, PartitionState>>;
  readonly endOf?: (day: string) => RunEnd | undefined;
}

/** Runs it, each run ends at once unless `endOf` has none for it; what was told, by day. */
async function told(runs: Runs, { states = {}, endOf = () => published, ...asked }: Asked = {}) {
  const request: BackfillRequest = {
    ...{ specPath: '/jobs.yaml', job: 'a', partitions, choice: 'missing', maxParallel: 1, options: ['--x'] },
    ...{ signal: new AbortController().signal, ...asked },
  };
  const lines: string[] = [];
  const find = async ({ output }: { readonly output: string }) => ({ state: states[output.slice(-2)] ?? 'missing' });
  for await (const event of backfill({ launcher: runs.launcher, find }, request)) {
    lines.push(lineOf(event));
    if (event.type !== 'partition-started') continue;
    const day = event.partition.output.slice(-2);
    const end = endOf(day);
    if (end !== undefined) runs.end(day, end);
  }
  return lines;
}

function lineOf(event: BackfillEvent): string {
  if (event.type === 'backfill-planned') {
    const leftOut = event.leftOut === 0 ? '' : `, ${event.leftOut} left out`;
    return `${event.toRun} of ${event.partitions}${leftOut}`;
  }
  const day = event.partition.output.slice(-2);
  if (event.type === 'partition-ended') return `${day} ${event.end.state}`;
  return event.type === 'partition-passed' ? `${day} passed, ${event.state}` : `${day} ${event.type.slice(10)}`;
}

describe('a backfill', () => {
  it('runs each partition in order, for its date, one at a time', async () => {
    const runs = new Runs();
    expect(await told(runs)).toEqual([
      '5 of 5',
      ...['01', '02', '03', '04', '05'].flatMap((day) => [`${day} started`, `${day} published`]),
    ]);
    expect(runs.most).toBe(1);
    expect(runs.requests[0]).toEqual({
      ...{ specPath: '/jobs.yaml', job: 'a', logicalDate: '2026-11-01T00:00:00+00:00', trigger: 'backfill' },
      options: ['--x'],
    });
  });

  it.each([
    ['missing', '3 of 5', ['02', '04', '05']],
    ['failed', '2 of 5, 1 left out', ['02', '04']],
    ['all', '5 of 5', ['01', '02', '03', '04', '05']],
  ] as const)('of %s runs %s', async (choice: BackfillChoice, planned, days) => {
    const runs = new Runs();
    const states = { '01': 'published', '02': 'failed', '03': 'published', '04': 'interrupted' } as const;
    const lines = await told(runs, { choice, states });
    expect(lines[0]).toBe(planned);
    expect(runs.requests.map(({ logicalDate }) => logicalDate.slice(8, 10))).toEqual(days);
    expect(lines.includes('01 passed, published')).toBe(choice !== 'all');
  });

  it('runs at most so many at a time, and goes on after one that fails', async () => {
    const runs = new Runs();
    const failed: RunEnd = { exitCode: 4, state: 'failed', seconds: 1 };
    const open: string[] = [];
    const lines = await told(runs, {
      maxParallel: 3,
      endOf: (day) => {
        open.push(day);
        if (open.length >= 3) queueMicrotask(() => runs.end(open.shift() ?? '', day === '03' ? failed : published));
        if (day === '05') queueMicrotask(() => open.splice(0).map((left) => runs.end(left)));
        return undefined;
      },
    });
    expect(runs.most).toBe(3);
    expect(lines.filter((line) => line.endsWith('published'))).toHaveLength(4);
    expect(lines).toContain('01 failed');
  });

  it('that is stopped stops what goes on, begins nothing more, tells what is left, and throws the reason', async () => {
    const runs = new Runs();
    const controller = new AbortController();
    const lines: string[] = [];
    const going = told(runs, {
      signal: controller.signal,
      stopSignal: () => 'SIGINT',
      maxParallel: 2,
      endOf: (day) => {
        lines.push(day);
        if (day === '03') queueMicrotask(() => controller.abort(new Error('stopped')));
        return day === '01' ? published : undefined;
      },
    });
    await expect(going).rejects.toThrow('stopped');
    expect(runs.stopped.toSorted()).toEqual(['02 SIGINT', '03 SIGINT']);
    expect(lines).toEqual(['01', '02', '03']);
  });

  it('runs nothing where the signal came first', async () => {
    const runs = new Runs();
    await expect(told(runs, { signal: AbortSignal.abort(new Error('early')) })).rejects.toThrow('early');
    expect(runs.requests).toEqual([]);
  });

  it('stops what goes on when nobody listens any more', async () => {
    const runs = new Runs();
    const ports = { launcher: runs.launcher, find: async () => ({ state: 'missing' }) as const };
    const { signal } = new AbortController();
    const request = {
      specPath: '/s',
      job: 'a',
      partitions,
      choice: 'all',
      maxParallel: 2,
      signal,
      options: [],
    } as const;
    for await (const { type } of backfill(ports, request)) if (type === 'partition-started') break;
    expect(runs.stopped).toEqual(['01 SIGTERM']);
    expect(runs.requests).toHaveLength(1);
  });
});
