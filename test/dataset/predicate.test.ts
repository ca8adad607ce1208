import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from '../../src/dataset/duckdb.ts';
import { checkPredicate } from '../../src/dataset/predicate.ts';
import { TempFolder } from './open-dataset.ts';
import { ScanTable, scanAll } from './scan-table.ts';

let table: ScanTable;

beforeAll(async () => {
  table = await ScanTable.of(
    `SELECT i::INTEGER AS i, 'n' || i AS name, DATE '2020-01-01' + i::INTEGER AS day, i AS "with space", [i] AS list, i AS today FROM range(10) r(i)`,
  );
});
afterAll(() => table[Symbol.dispose]());

function check(where: string): Promise<void> {
  return checkPredicate(table.database, { ...table.selection, where });
}

describe('a predicate', () => {
  it.each([
    ['i > 5', 4],
    ['i > 5 -- or so', 4],
    ['name = \'n1\' OR "with space" = 2', 2],
    ["day >= DATE '2020-01-05'", 6],
    ['i IN (1, 2, 3) AND name IS NOT NULL', 3],
    ['list[1] BETWEEN 2 AND 4', 3],
    ["age(day::TIMESTAMP, TIMESTAMP '2020-01-05') > INTERVAL '0 day'", 5],
    // A column goes before the function of its name.
    ['Today < 3', 3],
    ["regexp_matches(name, 'n[12]') AND CASE WHEN i = 1 THEN true ELSE i = 2 END", 2],
    ["length(name) = 2 AND name || '; DROP TABLE x' <> ''", 10],
  ])('may be an expression over the columns of a row: %s', async (where, rows) => {
    await check(where);
    const { counts } = await scanAll({ database: table.database, selection: { ...table.selection, where } }, [
      table.feature(['i'], 'int32'),
    ]);
    expect(counts.matchedRows).toBe(rows);
  });

  it.each([
    ['1=1) OR (1=1'],
    ['true) UNION SELECT (true'],
    ['true; DROP TABLE x'],
    ['i > 1 ORDER BY i'],
    ['i > 1 LIMIT 1'],
    ['true) FROM range(3) t(x'],
    ['i > (SELECT 1)'],
    ['EXISTS (SELECT 1)'],
    ["i IN (SELECT a FROM read_csv('/etc/passwd') t(a))"],
    ["(SELECT count(*) FROM read_text('/etc/passwd')) > 0"],
    ["read_csv('/etc/passwd')"],
    ['i > 1 AND true, true'],
    ['row_number() OVER () > 1'],
    ['sum(i) > 1'],
    ['count(*) > 1'],
    ['random() > 0.5'],
    ['i > 5 AND uuid() IS NOT NULL'],
    ['now() > day'],
    ['day = current_date'],
    ['CURRENT_TIMESTAMP > day'],
    ['Random() > 0.5'],
    ['Current_Time IS NOT NULL'],
    ['LOCALTIMESTAMP > day'],
    ['current_localtimestamp() > day'],
    ["age(day::TIMESTAMP) > INTERVAL '1 day'"],
    ["getenv('HOME') = ''"],
    ["nextval('s') > 1"],
    ['unnest(list) > 1'],
    ['i >'],
    ['no_such_function(i)'],
    ["name > DATE 'x'"],
    ['i = $1'],
    ['i = ?'],
    [''],
    ['-- nothing'],
  ])('may be nothing else: %s', async (where) => {
    await expect(check(where)).rejects.toMatchObject({
      code: 'PREDICATE_INVALID',
      message: expect.stringContaining('input.where'),
      hint: expect.any(String),
    });
  });

  it('names a column that is not there, and those that may be meant', async () => {
    await expect(check('nam IS NOT NULL')).rejects.toMatchObject({
      code: 'COLUMN_MISSING',
      message: expect.stringMatching(/nam.*"name"/),
    });
  });
});

describe('the database', () => {
  it('reaches the paths that it was given and nothing else', async () => {
    using folder = new TempFolder();
    const [allowed, sibling, out] = ['a.csv', 'a.csv.other', 'out.csv'].map((name) => join(folder.path, name));
    writeFileSync(allowed ?? '', 'x\n1\n');
    writeFileSync(sibling ?? '', 'x\n2\n');
    using database = await Database.open({ readablePaths: [allowed ?? ''], folders: [], threads: 1 });
    expect(await database.rows(`SELECT * FROM read_csv('${allowed}')`)).toEqual([{ x: '1' }]);
    for (const sql of [
      `SELECT * FROM read_csv('${sibling}')`,
      `SELECT * FROM read_csv('${folder.path}/*')`,
      "SELECT * FROM read_text('/etc/passwd')",
      "SELECT * FROM glob('/etc/*')",
      `COPY (SELECT 1) TO '${out}'`,
      `ATTACH '${folder.path}/x.db'`,
      "SELECT * FROM read_parquet('http://127.0.0.1:9/x.parquet')",
    ])
      await expect(database.rows(sql), sql).rejects.toThrow(/permission|disabled|not allowed|cannot/i);
    expect(readFileSync(sibling ?? '', 'utf8')).toBe('x\n2\n');
  });

  it('loads no extension, and its settings stay as they are', async () => {
    using database = await Database.open({ readablePaths: [], folders: [], threads: 1 });
    for (const sql of [
      'INSTALL httpfs',
      'LOAD httpfs',
      'SET enable_external_access = true',
      'SET lock_configuration = false',
      "SET allowed_paths = ['/etc/passwd']",
      'SET autoload_known_extensions = true',
      "SET TimeZone = 'Asia/Tokyo'",
    ])
      await expect(database.rows(sql), sql).rejects.toThrow();
    const [row] = await database.rows("SELECT current_setting('TimeZone') AS zone");
    expect(row).toEqual({ zone: 'UTC' });
  });
});
