import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { abandonedFolders, ownFolder } from '../../src/checkpoint/beside-folder.ts';
import { temporaryFolder } from '../e2e/nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

const at = (...names: readonly string[]) => join(folder.path, ...names);

/** A folder that some process made beside an output, and holds. */
async function beside(path: string, output: string): Promise<Disposable> {
  await mkdir(path, { recursive: true });
  const held = await ownFolder(path, output);
  if (held === undefined) throw new Error('it cannot be held');
  return held;
}

describe('a folder beside an output', () => {
  it('is abandoned once nobody holds it, whatever was made of the path since', async () => {
    const held = await beside(at('.nightshift-a'), at('deep/out'));
    expect(await abandonedFolders(at('deep/out'))).toEqual([]);
    held[Symbol.dispose]();
    await mkdir(at('deep'));
    expect(await abandonedFolders(at('deep/out'))).toEqual([at('.nightshift-a')]);
    expect(await abandonedFolders(at('out'))).toEqual([]);
  });

  it('is found once, by whichever way one comes to its output', async () => {
    await mkdir(at('real/out'), { recursive: true });
    await symlink(at('real'), at('link'));
    await symlink(at('real/out'), at('short'));
    for (const output of ['link/out', 'short']) {
      const made = at(output === 'short' ? '.nightshift-a' : 'real/.nightshift-a');
      (await beside(made, at(output)))[Symbol.dispose]();
      expect(await abandonedFolders(at(output))).toEqual([made]);
      if (output === 'link/out') expect(await abandonedFolders(at('real/out'))).toEqual([made]);
      await rm(made, { recursive: true });
    }
  });

  it('is no concern of ours without the marks of an owner, by another name, or behind a link', async () => {
    for (const name of ['.nightshift-a', '.nightshift-b', 'elsewhere'])
      (await beside(at(name), at('out')))[Symbol.dispose]();
    await rm(at('.nightshift-a/owner.lock'));
    await rm(at('.nightshift-b/beside'));
    await symlink(at('elsewhere'), at('.nightshift-c'));
    await mkdir(at('.nightshift-d'));
    expect(await abandonedFolders(at('out'))).toEqual([]);
  });
});
