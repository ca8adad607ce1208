import { assertNever } from '../core/errors.ts';
import type { RunEvent } from '../run/events.ts';

/** What a shard that is being scored has come to. */
interface ShardProgress {
  readonly shard: number;
  readonly device: string;
  readonly rows: number;
}

export interface DeviceProgress {
  readonly name: string;
  readonly workers: number;
  /** Rows that it scored in this process, of shards in progress too. */
  readonly rows: number;
}

/** Rows by device at one time, to tell from two of them how fast it goes. */
interface Sample {
  readonly ms: number;
  readonly rows: ReadonlyMap<string, number>;
}

/** Where a run stands, counted from its events alone. */
export interface RunProgress {
  readonly job: string;
  readonly phase: 'opening' | 'scoring' | 'ended';
  /** Rows of all shards; 0 until it is planned. */
  readonly rows: number;
  /** Rows of shards that are done, of earlier processes too. */
  readonly rowsDone: number;
  readonly shards: number;
  readonly shardsDone: number;
  readonly rejected: number;
  readonly retries: number;
  readonly devices: readonly DeviceProgress[];
  /** By slot. */
  readonly scoring: ReadonlyMap<number, ShardProgress>;
  /** Rows of done shards that this process scored, by device. */
  readonly scored: ReadonlyMap<string, number>;
  readonly samples: readonly Sample[];
}

/** Rates are those of this long. */
const windowMs = 10_000;
/** Samples closer than this replace each other. */
const sampleEveryMs = 200;

export const noProgress: RunProgress = {
  job: '',
  phase: 'opening',
  rows: 0,
  rowsDone: 0,
  shards: 0,
  shardsDone: 0,
  rejected: 0,
  retries: 0,
  devices: [],
  scoring: new Map(),
  scored: new Map(),
  samples: [],
};

/** The state after one more event. Pure: the time is the event's own. */
export function progressAfter(state: RunProgress, event: RunEvent): RunProgress {
  switch (event.type) {
    case 'run-started':
    case 'run-skipped':
      return { ...noProgress, job: event.job, phase: event.type === 'run-skipped' ? 'ended' : 'opening' };
    case 'input-staged':
      return { ...state, rejected: state.rejected + event.rejectedLines };
    case 'run-planned': {
      const { rows, rowsDone, shards, shardsDone } = event;
      const devices = event.devices.map((name) => ({ name, workers: 0, rows: 0 }));
      return sampled({ ...state, phase: 'scoring', rows, rowsDone, shards, shardsDone, devices }, event);
    }
    case 'worker-ready':
      return withWorkers(state, event.device, 1);
    case 'worker-lost':
    case 'worker-recycled':
      return withWorkers(without(state, event.slot), event.device, -1);
    case 'warning':
    case 'notice-failed':
    case 'lock-waiting':
    case 'checks-evaluated':
    case 'shards-taken-over':
    case 'batch-measured':
    case 'batch-reduced':
      return state;
    case 'shard-started':
      return at(state, event.slot, { shard: event.shard, device: event.device, rows: 0 });
    case 'shard-progress':
      return sampled(at(state, event.slot, { shard: event.shard, device: event.device, rows: event.rows }), event);
    case 'shard-done': {
      const scored = new Map(state.scored).set(event.device, (state.scored.get(event.device) ?? 0) + event.rows.in);
      const counted = {
        ...without(state, event.slot),
        scored,
        rowsDone: state.rowsDone + event.rows.in,
        shardsDone: state.shardsDone + 1,
        rejected: state.rejected + event.rows.rejected,
      };
      return sampled(counted, event);
    }
    case 'shard-failed':
      // What stops for a signal stays where it was until the display goes.
      if (event.code === 'INTERRUPTED') return state;
      return { ...without(state, event.slot), retries: state.retries + (event.willRetry ? 1 : 0) };
    case 'run-published':
      return { ...state, phase: 'ended', rejected: event.rows.rejected };
    default:
      return assertNever(event);
  }
}

export interface Pace {
  /** Rows done, and rows scored of shards in progress. */
  readonly rows: number;
  /** From 0 to 1. */
  readonly fraction: number;
  /** undefined until there is something to tell it from. */
  readonly rowsPerSecond: number | undefined;
  readonly secondsLeft: number | undefined;
  readonly devices: readonly (DeviceProgress & { readonly rowsPerSecond: number | undefined })[];
}

/** How fast it goes at a time, which may be later than the last event: what stalls slows down. */
export function paceAt(state: RunProgress, nowMs: number): Pace {
  const inProgress = [...state.scoring.values()].reduce((sum, { rows }) => sum + rows, 0);
  const rows = Math.min(state.rows, state.rowsDone + inProgress);
  const fraction = state.rows === 0 ? (state.phase === 'opening' ? 0 : 1) : rows / state.rows;
  const first = state.samples[0];
  const seconds = first === undefined ? 0 : (nowMs - first.ms) / 1000;
  const byDevice = deviceRows(state);
  const rateOf = (name: string) => {
    const gained = (byDevice.get(name) ?? 0) - (first?.rows.get(name) ?? 0);
    return seconds <= 0 || gained <= 0 ? undefined : gained / seconds;
  };
  const devices = state.devices.map((device) => ({
    ...device,
    rows: byDevice.get(device.name) ?? 0,
    rowsPerSecond: rateOf(device.name),
  }));
  const total = devices.reduce((sum, device) => sum + (device.rowsPerSecond ?? 0), 0);
  const rowsPerSecond = total > 0 ? total : undefined;
  const secondsLeft = rowsPerSecond === undefined ? undefined : (state.rows - rows) / rowsPerSecond;
  return { rows, fraction, rowsPerSecond, secondsLeft, devices };
}

function at(state: RunProgress, slot: number, progress: ShardProgress): RunProgress {
  return { ...state, scoring: new Map(state.scoring).set(slot, progress) };
}

function without(state: RunProgress, slot: number): RunProgress {
  const scoring = new Map(state.scoring);
  scoring.delete(slot);
  return { ...state, scoring };
}

function withWorkers(state: RunProgress, name: string, more: number): RunProgress {
  const devices = state.devices.map((device) =>
    device.name === name ? { ...device, workers: Math.max(0, device.workers + more) } : device,
  );
  return { ...state, devices };
}

function sampled(state: RunProgress, event: RunEvent): RunProgress {
  const ms = Date.parse(event.time);
  const recent = state.samples.filter((sample, index) => {
    // The newest one that is older than the window is where the window begins.
    const next = state.samples[index + 1];
    return sample.ms >= ms - windowMs || next === undefined || next.ms > ms - windowMs;
  });
  const beforeLast = recent.at(-2);
  const isClose = beforeLast !== undefined && ms - beforeLast.ms < sampleEveryMs;
  return { ...state, samples: [...(isClose ? recent.slice(0, -1) : recent), { ms, rows: deviceRows(state) }] };
}

function deviceRows(state: RunProgress): ReadonlyMap<string, number> {
  const rows = new Map(state.scored);
  for (const { device, rows: more } of state.scoring.values()) rows.set(device, (rows.get(device) ?? 0) + more);
  return rows;
}
