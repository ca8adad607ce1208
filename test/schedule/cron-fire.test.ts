import { realpath } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../e2e/nightshift.ts';
import { fireByCron, whyNoCron } from './cron-fire.ts';

it('a real cron runs a job that was installed, and the crontab is the same afterwards', async ({ skip }) => {
  const why = await whyNoCron();
  skip(why !== undefined, why);
  await using folder = await temporaryFolder();
  const outcome = await fireByCron(await realpath(folder.path), new AbortController().signal);
  expect(outcome).toEqual({ firedAfterMs: expect.any(Number) });
});
