import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import { execa, type Options } from 'execa';
import { dayJob, partsIn } from '../e2e/days.ts';
import { holdingWorkers, letGo } from '../e2e/holding-workers.ts';
import { bin, eventsIn, writeSpec } from '../e2e/nightshift.ts';

export interface KilledBackfill {
  /** Is left with what was published. */
  readonly folder: string;
  readonly days: number;
  /** After so many have ended it is killed. */
  readonly afterDays: number;
  /** Its process only, or with it all that it started. */
  readonly kill: 'process' | 'group';
}

export interface BackfillFinding {
  readonly isWhole: boolean;
  /** That the second command ran. */
  readonly ranAgain: number;
  readonly exitCode: number | undefined;
  /** A row of a table: days, kill, ended before, run after, seconds, verdict. */
  readonly line: string;
}

/** The nth, from 0. */
function dayOf(nth: number): string {
  return new Date(Date.UTC(2013, 0, 1 + nth)).toISOString().slice(0, 10);
}

function spawnBackfill(cwd: string, days: number, more: Pick<Options, 'detached' | 'env'> = {}) {
  const args = ['backfill', 'days', '--from', dayOf(0), '--to', dayOf(days - 1), '--json', '--state-dir', 'state'];
  return execa(process.execPath, [bin, ...args], { cwd, reject: false, timeout: 1_200_000, ...more });
}

/** Runs it to its end, in a folder of its own. @returns the digest of each part */
export async function undisturbedDays(folder: string, days: number): Promise<Readonly<Record<string, string>>> {
  await mkdir(folder, { recursive: true });
  await writeSpec(folder, { days: dayJob() });
  const { exitCode, stderr } = await spawnBackfill(folder, days);
  if (exitCode !== 0) throw new Error(`the undisturbed backfill exited with ${exitCode}: ${stderr}`);
  return partsIn(join(folder, 'out'));
}

/** Kills a backfill in the middle, finishes it with the same command, and holds its parts against undisturbed ones. */
export async function killBackfill(
  { folder, days, afterDays, kill }: KilledBackfill,
  undisturbed: Readonly<Record<string, string>>,
): Promise<BackfillFinding> {
  await mkdir(folder, { recursive: true });
  await writeSpec(folder, { days: dayJob() });
  const started = performance.now();
  // None of the others ends before it is killed, however late that is.
  const others = Array.from({ length: days - afterDays }, (_, index) => dayOf(afterDays + index));
  const env = holdingWorkers({ output: `out/dt=(${others.join('|')})`, shards: '.*' });
  const first = spawnBackfill(folder, days, { detached: true, env });
  let ended = 0;
  for await (const line of createInterface({ input: first.stdout })) {
    if (line.includes('"partition-ended"')) ended++;
    if (ended === afterDays) break;
  }
  const gone = once(first.stdout, 'close');
  process.kill((kill === 'group' ? -1 : 1) * (first.pid ?? Number.NaN), 'SIGKILL');
  await gone;
  // A run learns that its parent is gone when it has something to tell.
  await letGo(folder);
  await first;
  const second = await spawnBackfill(folder, days);
  const ran = eventsIn(second).filter(({ type }) => type === 'partition-started').length;
  const isWhole = isDeepStrictEqual(partsIn(join(folder, 'out')), undisturbed) && Object.keys(undisturbed).length > 0;
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  const verdict = isWhole && second.exitCode === 0 ? 'same bytes' : `exit ${second.exitCode}, differs`;
  const line = `| ${[days, kill, ended, ran, `${seconds} s`, verdict].join(' | ')} |`;
  return { isWhole, ranAgain: ran, exitCode: second.exitCode, line };
}
