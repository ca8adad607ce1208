import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findFiles } from '../../src/dataset/find-files.ts';
import { cpuSeconds } from '../house/cpu-seconds.ts';
import { TempFolder } from './open-dataset.ts';

/** A folder with these files in it; `a -> b` is a link to b. */
function folderOf(...names: readonly string[]): TempFolder {
  const folder = new TempFolder();
  for (const name of names) {
    const [link = '', target] = name.split(' -> ');
    const path = join(folder.path, link);
    mkdirSync(dirname(path), { recursive: true });
    if (target === undefined) writeFileSync(path, 'id\n1\n');
    else symlinkSync(target, path);
  }
  return folder;
}

async function namesIn(folder: TempFolder, ...paths: readonly string[]): Promise<readonly string[]> {
  const { files } = await findFiles(paths, folder.path, 'auto');
  return files.map((file) => file.path.slice(folder.path.length + 1));
}

describe('finding files', () => {
  it('sorts globs and folders by name, keeps the order of a list, and takes nothing twice', async () => {
    using folder = folderOf('b.csv', 'a.csv', 'sub/c.csv', 'sub/deep/d.csv', 'x.txt', 'ignored.md');
    expect(await namesIn(folder, '*.csv')).toEqual(['a.csv', 'b.csv']);
    expect(await namesIn(folder, '.')).toEqual(['a.csv', 'b.csv', 'sub/c.csv', 'sub/deep/d.csv', 'x.txt']);
    expect(await namesIn(folder, 'sub', '*.csv', 'a.csv', './sub/../b.csv')).toEqual([
      'sub/c.csv',
      'sub/deep/d.csv',
      'a.csv',
      'b.csv',
    ]);
    expect(await namesIn(folder, join(folder.path, '**/*.csv'))).toEqual([
      'a.csv',
      'b.csv',
      'sub/c.csv',
      'sub/deep/d.csv',
    ]);
  });

  it('leaves out what is hidden, also inside what a glob opens, unless it is named', async () => {
    using folder = folderOf('a.csv', '_b.csv', '.c.csv', '_nightshift/d.csv', '.git/e.csv', 'k=_v/f.csv');
    expect(await namesIn(folder, '.')).toEqual(['a.csv', 'k=_v/f.csv']);
    expect(await namesIn(folder, '**/*.csv')).toEqual(['a.csv', 'k=_v/f.csv']);
    expect(await namesIn(folder, '_b.csv', '_nightshift/*.csv')).toEqual(['_b.csv', '_nightshift/d.csv']);
  });

  it('takes names literally where such a file is there', async () => {
    const names = [
      'a[1].csv',
      'a*.csv',
      'a?.csv',
      'a b.csv',
      "it's.csv",
      'say "x".csv',
      'ü%20\n東.csv',
      '{a,b}.csv',
      '!a.csv',
    ];
    using folder = folderOf(...names, 'a1.csv', 'ab.csv');
    for (const name of names) expect(await namesIn(folder, name)).toEqual([name]);
    expect(await namesIn(folder, 'a?.csv', 'a[12].csv')).toEqual(['a?.csv', 'a1.csv']);
  });

  it('follows links, each file once and by its shortest way', async () => {
    using folder = folderOf(
      'data/a.csv',
      'data/again.csv -> a.csv',
      'data/loop -> ../data',
      'links/b -> ../data',
      'gone.csv -> nowhere',
    );
    expect(await namesIn(folder, 'data')).toEqual(['data/a.csv']);
    expect(await namesIn(folder, 'links')).toEqual(['links/b/a.csv']);
    expect(await namesIn(folder, 'data/again.csv')).toEqual(['data/again.csv']);
    await expect(namesIn(folder, 'gone.csv')).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
  });

  it('does not wait for a pipe, and takes a folder that fits for the files in it', async () => {
    using folder = folderOf('a.csv', 'folder.csv/b.txt');
    execFileSync('mkfifo', [join(folder.path, 'pipe.csv')]);
    expect(await namesIn(folder, '*.csv')).toEqual(['a.csv', 'folder.csv/b.txt']);
    expect(await namesIn(folder, '.')).toEqual(['a.csv', 'folder.csv/b.txt']);
    expect(await namesIn(folder, 'folder.csv')).toEqual(['folder.csv/b.txt']);
    await expect(namesIn(folder, 'pipe.csv')).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: expect.stringContaining('neither a file nor a folder'),
    });
  });

  it.each([
    ['missing.csv', 'missing.csv does not exist'],
    ['missing-*.csv', 'no file matches'],
    ['empty', 'no data file in the folder'],
  ])('says what it did not find: %s', async (path, message) => {
    using folder = folderOf('empty/readme.md');
    await expect(namesIn(folder, path)).rejects.toMatchObject({
      code: 'INPUT_NOT_FOUND',
      message: expect.stringContaining(message),
      hint: expect.any(String),
    });
  });

  it('tells the format by ending, by magic, or says that it cannot', async () => {
    using folder = folderOf(
      'a.CSV',
      'b.tsv.gz',
      'c.ndjson.zst',
      'd.feather',
      'e.pq',
      'unknown.dat',
      'mixed/a.csv',
      'mixed/b.jsonl',
    );
    const formatOf = async (name: string) => (await findFiles([name], folder.path, 'auto')).format;
    expect(await Promise.all(['a.CSV', 'b.tsv.gz', 'c.ndjson.zst', 'd.feather', 'e.pq'].map(formatOf))).toEqual([
      'csv',
      'csv',
      'jsonl',
      'arrow',
      'parquet',
    ]);
    writeFileSync(join(folder.path, 'magic.dat'), 'PAR1...');
    expect(await formatOf('magic.dat')).toBe('parquet');
    await expect(formatOf('unknown.dat')).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      hint: expect.stringContaining('input.format'),
    });
    await expect(formatOf('mixed')).rejects.toMatchObject({ code: 'INPUT_SCHEMA_MISMATCH' });
    expect((await findFiles(['unknown.dat'], folder.path, 'csv')).format).toBe('csv');
  });

  it('sees partitions below what is given, and nowhere else', async () => {
    using folder = folderOf('k=1/a.csv', 'k=1/l=2/b.csv');
    const hasPartitions = async (path: string) => (await findFiles([path], folder.path, 'auto')).hasPartitions;
    expect(await hasPartitions('.')).toBe(true);
    expect(await hasPartitions('*/*.csv')).toBe(true);
    expect(await hasPartitions('k=1')).toBe(true);
    expect(await hasPartitions('k=1/a.csv')).toBe(false);
    expect(await hasPartitions('k=1/l=2/*.csv')).toBe(false);
  });

  it('is quick with thousands of files', async () => {
    using folder = folderOf(...Array.from({ length: 2000 }, (_, n) => `part-${String(n).padStart(5, '0')}.csv`));
    const before = cpuSeconds();
    expect(await namesIn(folder, '.')).toHaveLength(2000);
    expect(cpuSeconds() - before).toBeLessThan(5);
    cpSync(join(folder.path, 'part-00000.csv'), join(folder.path, 'part-10000.csv'));
    expect((await namesIn(folder, '.')).at(-1)).toBe('part-10000.csv');
  });
});
