import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import {
  isThere,
  makeFolder,
  publishFile,
  readIfPresent,
  sha256OfFile,
  syncPath,
  writeError,
  writeFileAtomic,
  writeMarker,
} from '../../src/core/files.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightshift-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('writeFileAtomic', () => {
  it('writes a file, and over one, and leaves nothing beside it', async () => {
    const path = join(folder, 'a.json');
    await writeFileAtomic(path, 'one');
    await writeFileAtomic(path, 'two');
    expect(await readFile(path, 'utf8')).toBe('two');
    expect(await readdir(folder)).toEqual(['a.json']);
  });

  it('is OUTPUT_UNWRITABLE where no folder is', async () => {
    await expect(writeFileAtomic(join(folder, 'none/a.json'), 'x')).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
    });
  });
});

describe('what is written last', () => {
  it.each([
    ['publishFile', (name: string) => publishFile(join(folder, 'a'), name)],
    ['writeMarker', (name: string) => writeMarker(name)],
    ['writeFileAtomic', (name: string) => writeFileAtomic(name, 'x')],
  ])('is OUTPUT_UNWRITABLE with its path when its folder is gone or is a file: %s', async (_, write) => {
    await writeFile(join(folder, 'a'), 'x');
    for (const name of ['none/b', 'a/b']) {
      const path = join(folder, name);
      await expect(write(path)).rejects.toMatchObject({
        code: 'OUTPUT_UNWRITABLE',
        message: expect.stringContaining(`cannot write ${path}: `),
      });
    }
  });

  it('is OUTPUT_UNWRITABLE with its path when it cannot be flushed', async () => {
    const path = join(folder, 'none');
    await expect(syncPath(path)).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
      message: expect.stringContaining(path),
    });
  });
});

describe('writeError', () => {
  it.runIf(process.platform === 'linux')(
    'takes a disk without space as DISK_FULL, and says that work is kept',
    async () => {
      await using full = await open('/dev/full', 'w');
      const thrown: unknown = await full.writeFile('x').catch((error: unknown) => error);
      expect(writeError(thrown, 'out/part')).toMatchObject({
        code: 'DISK_FULL',
        exitCode: 4,
        message: 'no space left to write out/part',
        hint: 'free space and run the same command again; finished shards are kept',
        cause: thrown,
      });
    },
  );

  it('takes a quota as a full disk, and everything else as a folder that cannot be written', () => {
    expect(writeError(Object.assign(new Error('x'), { code: 'EDQUOT' }), 'out').code).toBe('DISK_FULL');
    expect(writeError(Object.assign(new Error('read-only'), { code: 'EROFS' }), 'out')).toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
      message: 'cannot write out: read-only',
    });
  });

  it('leaves an error alone that says already what is wrong', () => {
    const error = new AppError('LOCKED', 'x');
    expect(writeError(error, 'out')).toBe(error);
  });
});

describe('makeFolder', () => {
  it('makes folders on the way, and is content with one that is there', async () => {
    await makeFolder(join(folder, 'a/b'));
    await makeFolder(join(folder, 'a/b'));
    expect(await isThere(join(folder, 'a/b'))).toBe(true);
  });

  it('is OUTPUT_UNWRITABLE where a file is in the way', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(makeFolder(join(folder, 'file/b'))).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
  });
});

describe('readIfPresent', () => {
  it('is undefined where nothing is, also below a file', async () => {
    await writeFile(join(folder, 'file'), 'x');
    expect(await readIfPresent(join(folder, 'file'))).toBe('x');
    expect(await readIfPresent(join(folder, 'none'))).toBeUndefined();
    expect(await readIfPresent(join(folder, 'file/none'))).toBeUndefined();
  });

  it('does not take a folder for nothing', async () => {
    await mkdir(join(folder, 'sub'));
    await expect(readIfPresent(join(folder, 'sub'))).rejects.toMatchObject({ code: 'EISDIR' });
  });
});

describe('sha256OfFile', () => {
  it.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ])('of %j is the known one', async (text, digest) => {
    await writeFile(join(folder, 'file'), text);
    expect(await sha256OfFile(join(folder, 'file'))).toBe(digest);
  });
});
