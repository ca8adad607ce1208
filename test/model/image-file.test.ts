import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { imagePath, readImageFile } from '../../src/model/image-file.ts';
import { temporaryFolder } from '../e2e/nightshift.ts';

describe('imagePath', () => {
  it.each([
    ['a.jpg', '/photos/a.jpg'],
    ['./b/../a.jpg', '/photos/a.jpg'],
    ['/other/a.jpg', '/other/a.jpg'],
    ['file:///other/a%20b.jpg', '/other/a b.jpg'],
    ['FILE:///a.jpg', '/a.jpg'],
    ['a b[0].jpg', '/photos/a b[0].jpg'],
    ['C:/a.jpg', '/photos/C:/a.jpg'],
  ])('%s is %s', (written, path) => {
    expect(imagePath(written, '/photos')).toBe(path);
  });

  it.each([
    ['https://example.com/a.jpg', /is not on this machine: a run reads no network/],
    ['HTTP://example.com/a.jpg', /is not on this machine/],
    ['s3://bucket/a.jpg', /is not on this machine/],
    ['file://server/a.jpg', /is no path: /],
    ['file:///a%2Fb.jpg', /is no path: /],
    ['', /^the path is empty$/],
    ['a\0.jpg', /has a NUL/],
  ])('%j is refused with the reason', (written, message) => {
    expect(() => imagePath(written, '/photos')).toThrow(
      expect.objectContaining({ code: 'IMAGE_UNREADABLE', message: expect.stringMatching(message) }),
    );
  });
});

describe('readImageFile', () => {
  it('reads what a path or a URI names', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'a b.jpg'), 'bytes');
    const uri = pathToFileURL(join(folder.path, 'a b.jpg')).href;
    for (const written of ['a b.jpg', uri]) {
      expect(Buffer.from(await readImageFile(written, folder.path)).toString()).toBe('bytes');
    }
  });

  it('says of each path what keeps it from being read, and waits for no pipe', async () => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, 'folder'));
    await symlink('loop', join(folder.path, 'loop'));
    await execa('mkfifo', [join(folder.path, 'pipe')]);
    await writeFile(join(folder.path, 'huge'), '');
    await truncate(join(folder.path, 'huge'), 2 ** 28 + 1);
    const problems = {
      missing: 'does not exist',
      'huge/a': 'does not exist',
      folder: 'is not a file',
      pipe: 'is not a file',
      loop: 'is a link to itself',
      huge: 'has 268435457 bytes, more than 268435456',
    };
    for (const [name, problem] of Object.entries(problems)) {
      await expect(readImageFile(name, folder.path)).rejects.toMatchObject({
        code: 'IMAGE_UNREADABLE',
        message: `${join(folder.path, name)} ${problem}`,
      });
    }
  });
});
