import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../e2e/nightshift.ts';
import { drills } from './drills.ts';
import { makeScene, type Scene } from './scene.ts';

/** A fifth of the table that `npm run drill` takes. */
const copies = 1;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let scene: Scene;
beforeAll(async () => {
  folder = await temporaryFolder();
  scene = await makeScene(folder.path, copies);
});
afterAll(() => folder[Symbol.asyncDispose]());

describe('no row is lost, repeated or changed', () => {
  it.concurrent.each(drills)('$name', async ({ run }) => {
    expect(await run(scene)).toEqual([]);
  });
});
