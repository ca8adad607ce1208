import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { flightsJob } from '../cli/flights-job.ts';
import type { Job } from './nightshift.ts';

/** A job that scores the flights of one day of 2013. */
export function dayJob({ output = {}, ...more }: Job & { readonly output?: object } = {}): Job {
  return {
    ...flightsJob,
    input: { path: flightsJob.input, where: 'month = ${date:%m}::INT AND day = ${date:%d}::INT' },
    output: { path: 'out/dt=${date}', keep: ['flight_id'], ...output },
    execution: { workersPerDevice: 1, shardRows: 4000, batchSize: 100 },
    schedule: { cron: '30 2 * * *', timeZone: 'UTC' },
    ...more,
  };
}

/** Digest of every part below a folder, by folder and name. */
export function partsIn(folder: string): Readonly<Record<string, string>> {
  const parts = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (path) => /part-\d+\.parquet$/.test(path) && !path.includes('_nightshift'),
  );
  return Object.fromEntries(
    parts.toSorted().map((path) => [
      path,
      createHash('sha256')
        .update(readFileSync(join(folder, path)))
        .digest('hex'),
    ]),
  );
}
