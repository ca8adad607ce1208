/**
 * Has real daemons run an installed job: a cron, with the crontab of whoever runs this, and a systemd in a container;
 * then has a backfill of ninety days killed in the middle and finished.
 * `npm run test:schedule`. What cannot be tried here is said; SCHEDULE_REQUIRE=1 makes that a
 * failure, and SCHEDULE_TRIALS=cron, systemd or backfill tries one of them.
 */
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../src/core/errors.ts';
import { temporaryFolder } from '../e2e/nightshift.ts';
import { killBackfill, undisturbedDays } from './backfill-90.ts';
import { fireByCron } from './cron-fire.ts';
import { fireBySystemd } from './systemd-fire.ts';

const stop = new AbortController();
// Listened to for good: with nobody left to listen, what watches child processes ends this one before it cleans up.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => stop.abort(new Error(`stopped by ${signal}`)));

await using folder = await temporaryFolder();
const base = await realpath(folder.path);
const trials = Object.entries({ cron: fireByCron, systemd: fireBySystemd, backfill: finishBackfill });
const wanted = process.env['SCHEDULE_TRIALS']?.split(',') ?? trials.map(([name]) => name);
let failed = 0;
for (const [name, fire] of trials.filter(([each]) => wanted.includes(each))) {
  if (stop.signal.aborted) break;
  try {
    const outcome = await fire(join(base, name), stop.signal);
    if ('line' in outcome) console.log(`${name}: ok, ${outcome.line}`);
    else if ('firedAfterMs' in outcome) console.log(`${name}: ok, ${(outcome.firedAfterMs / 1000).toFixed(1)} s`);
    else {
      console.log(`${name}: NOT TRIED, ${outcome.skipped}`);
      if (process.env['SCHEDULE_REQUIRE'] === '1') failed++;
    }
  } catch (error) {
    failed++;
    console.log(`${name}: FAILED, ${messageOf(error)}`);
    if (error instanceof Error && error.cause !== undefined) console.log(`  ${messageOf(error.cause)}`);
  }
}
/** Ninety days of flights, killed in the middle, and finished by the same command. */
async function finishBackfill(at: string): Promise<{ readonly line: string }> {
  const days = 90;
  const undisturbed = await undisturbedDays(join(at, 'undisturbed'), days);
  const finding = await killBackfill({ folder: join(at, 'killed'), days, afterDays: 40, kill: 'group' }, undisturbed);
  if (!finding.isWhole || finding.exitCode !== 0) throw new Error(finding.line);
  return finding;
}

process.exitCode = failed > 0 || stop.signal.aborted ? 1 : 0;
