import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { killBackfill, undisturbedDays } from '../schedule/backfill-90.ts';
import { temporaryFolder } from './nightshift.ts';

const days = 12;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let undisturbed: Readonly<Record<string, string>> = {};

beforeAll(async () => {
  folder = await temporaryFolder();
  undisturbed = await undisturbedDays(join(folder.path, 'undisturbed'), days);
});
afterAll(() => folder[Symbol.asyncDispose]());

it.each(['process', 'group'] as const)(
  'a backfill whose %s is killed in the middle is finished by the same command, with the same bytes',
  async (kill) => {
    const found = await killBackfill({ folder: join(folder.path, kill), days, afterDays: 4, kill }, undisturbed);
    expect(found).toMatchObject({ isWhole: true, exitCode: 0 });
    // Two were under way, and may have ended after all.
    expect(found.ranAgain).toBeGreaterThanOrEqual(days - 4 - 3);
    expect(found.ranAgain).toBeLessThanOrEqual(days - 4);
  },
);
