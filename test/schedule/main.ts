/**
 * Has real daemons run an installed job: a cron, with the crontab of whoever runs this, and a systemd in a container.
 * `npm run test:schedule`. What cannot be tried here is said; SCHEDULE_REQUIRE=1 makes that a
 * failure, and SCHEDULE_TRIALS=cron or systemd tries one of them.
 */
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../src/core/errors.ts';
import { temporaryFolder } from '../e2e/nightshift.ts';
import { fireByCron } from './cron-fire.ts';
import { fireBySystemd } from './systemd-fire.ts';

const stop = new AbortController();
// Listened to for good: with nobody left to listen, what watches child processes ends this one before it cleans up.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => stop.abort(new Error(`stopped by ${signal}`)));

await using folder = await temporaryFolder();
const base = await realpath(folder.path);
const trials = Object.entries({ cron: fireByCron, systemd: fireBySystemd });
const wanted = process.env['SCHEDULE_TRIALS']?.split(',') ?? trials.map(([name]) => name);
let failed = 0;
for (const [name, fire] of trials.filter(([each]) => wanted.includes(each))) {
  if (stop.signal.aborted) break;
  try {
    const outcome = await fire(join(base, name), stop.signal);
    if ('firedAfterMs' in outcome) console.log(`${name}: ok, ${(outcome.firedAfterMs / 1000).toFixed(1)} s`);
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
process.exitCode = failed > 0 || stop.signal.aborted ? 1 : 0;
