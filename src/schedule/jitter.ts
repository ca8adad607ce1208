import { createHash } from 'node:crypto';

export interface Jitter {
  /** The most that a run is delayed. */
  readonly jitterMs: number;
  readonly machine: string;
  readonly job: string;
}

/** When the run of a tick begins: as much later each time on one machine, for one job. */
export function jitteredMs(tickMs: number, { jitterMs, machine, job }: Jitter): number {
  const share = createHash('sha256').update(`${machine} ${job}`).digest().readUInt32BE(0) / 2 ** 32;
  return Math.floor(tickMs + share * jitterMs);
}
