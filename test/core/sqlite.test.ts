import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SqliteFile } from '../../src/core/sqlite.ts';

let folder = '';
let made = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'nightshift-sqlite-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const newPath = () => join(folder, String(made++), 'deep', 'a.sqlite');
const first = 'CREATE TABLE t (a INTEGER PRIMARY KEY) STRICT';
const second = 'ALTER TABLE t ADD COLUMN b TEXT; UPDATE t SET b = a';
const open = (path: string, migrations: readonly string[] = [first]) =>
  SqliteFile.open({ path, migrations, busyTimeoutMs: 1000 });
const modeOf = (path: string) => statSync(path).mode & 0o777;

describe('an SQLite file', () => {
  it('is its owner’s alone, with its folders and side files', () => {
    const path = newPath();
    using file = open(path);
    file.run('INSERT INTO t VALUES (1)');
    expect([modeOf(join(path, '..')), modeOf(join(path, '../..'))]).toEqual([0o700, 0o700]);
    expect([path, `${path}-wal`, `${path}-shm`].map(modeOf)).toEqual([0o600, 0o600, 0o600]);
  });

  it('leaves a folder that is there as it is', () => {
    const path = newPath();
    mkdirSync(join(path, '..'), { recursive: true });
    chmodSync(join(path, '..'), 0o750);
    using file = open(path);
    expect(file.all('SELECT * FROM t')).toEqual([]);
    expect(modeOf(join(path, '..'))).toBe(0o750);
  });

  it('is migrated from where it is, each step once', () => {
    const path = newPath();
    {
      using file = open(path);
      file.run('INSERT INTO t VALUES ($a)', { a: 7 });
    }
    for (let times = 0; times < 2; times++) {
      using file = open(path, [first, second]);
      expect(file.all('SELECT * FROM t')).toEqual([{ a: 7, b: '7' }]);
    }
  });

  it('stays as it was when a step fails', () => {
    const path = newPath();
    {
      using file = open(path);
      file.run('INSERT INTO t VALUES (1)');
    }
    expect(() => open(path, [first, 'DELETE FROM t; nonsense'])).toThrow(
      expect.objectContaining({ code: 'HISTORY_UNAVAILABLE' }),
    );
    using file = open(path);
    expect(file.all('SELECT a FROM t')).toEqual([{ a: 1 }]);
  });

  it('is refused when a newer version wrote it, and not touched', () => {
    const path = newPath();
    open(path, [first, second])[Symbol.dispose]();
    expect(() => open(path)).toThrow(
      expect.objectContaining({
        code: 'HISTORY_UNAVAILABLE',
        exitCode: 4,
        message: `${path} was written by a newer nightshift: its schema is 2, this one knows 1`,
        hint: expect.stringContaining('update nightshift'),
      }),
    );
  });

  it('leaves what was written in the journal where that is asked for, and the next one reads it', () => {
    const path = newPath();
    for (const a of [1, 2]) {
      using file = SqliteFile.open({ path, migrations: [first], busyTimeoutMs: 1000, leavesJournal: true });
      file.run('INSERT INTO t VALUES ($a)', { a });
    }
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
    {
      using file = open(path);
      expect(file.all('SELECT * FROM t')).toEqual([{ a: 1 }, { a: 2 }]);
    }
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  it('has all of a transaction or nothing', () => {
    using file = open(newPath());
    const fails = () =>
      file.transaction(() => {
        file.run('INSERT INTO t VALUES (1)');
        file.run('INSERT INTO t VALUES (1)');
      });
    expect(fails).toThrow(expect.objectContaining({ code: 'HISTORY_UNAVAILABLE' }));
    expect(file.all('SELECT * FROM t')).toEqual([]);
    expect(file.transaction(() => file.run('INSERT INTO t VALUES (5)'))).toEqual({ changes: 1, lastId: 5 });
  });

  it('says so when another process writes for too long', () => {
    const path = newPath();
    using writer = open(path);
    using other = SqliteFile.open({ path, migrations: [first], busyTimeoutMs: 20 });
    writer.transaction(() => {
      writer.run('INSERT INTO t VALUES (1)');
      expect(other.all('SELECT * FROM t')).toEqual([]);
      expect(() => other.run('INSERT INTO t VALUES (2)')).toThrow(
        expect.objectContaining({ hint: 'another process writes to it; try again' }),
      );
    });
  });

  it('is opened in silence, and other warnings are still heard', async () => {
    const module = JSON.stringify(join(import.meta.dirname, '../../src/core/sqlite.ts'));
    const code = `import { SqliteFile } from ${module};
      SqliteFile.open({ path: ${JSON.stringify(newPath())}, migrations: [], busyTimeoutMs: 1 });
      process.emitWarning('heard');`;
    const { stderr } = await execa(process.execPath, ['--input-type=module', '--eval', code]);
    expect(stderr).toContain('Warning: heard');
    expect(stderr).not.toContain('SQLite');
  });
});
