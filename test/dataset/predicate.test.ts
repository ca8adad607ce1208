import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from '../../src/dataset/duckdb.ts';
import { checkPredicate } from '../../src/dataset/predicate.ts';
import { quoteText } from '../../src/dataset/sql.ts';
import { TempFolder } from './open-dataset.ts';

const folder = new TempFolder();
const path = join(folder.path, "it's data.parquet");
let database: Database;

beforeAll(async () => {
  database = await Database.open({ readablePaths: [path], folders: [folder.path], threads: 1 });
  await database.run(`COPY (SELECT range AS id, 'a' AS name FROM range(10)) TO ${quoteText(path)}`);
});

afterAll(() => {
  database[Symbol.dispose]();
  folder[Symbol.dispose]();
});

function check(where: string): Promise<void> {
  const file = { path, source: path, rowStart: 0, rowEnd: 10, rowCount: 10 };
  const column = { widened: false, origin: 'file' } as const;
  const columns = [
    { name: 'id', type: 'BIGINT', ...column },
    { name: 'name', type: 'VARCHAR', ...column },
  ];
  return checkPredicate(database, { files: [file], columns, hasPartitions: false, where });
}

describe('a predicate', () => {
  it.each([
    'id > 3',
    "name IN ('a', 'b') AND id IS NOT NULL",
    'id % 2 = 0 -- even',
    "regexp_matches(name, '^a') OR abs(id) < 2",
    "CASE WHEN id > 5 THEN name = 'a' ELSE true END",
  ])('may be any condition over a row: %s', async (where) => {
    await expect(check(where)).resolves.toBeUndefined();
  });

  it.each([
    ['closing the bracket', '1=1) OR (1=1'],
    ['a second statement', "true); COPY (SELECT 1) TO '/tmp/x'; SELECT (true"],
    ['a union', 'true) UNION SELECT (true'],
    ['another table', 'true) FROM range(3) WHERE (true'],
    ['an order', 'true) ORDER BY (1'],
    ['a list of values', 'true), (false'],
    ['a subquery', "EXISTS (SELECT * FROM read_csv('/etc/passwd'))"],
    ['a subquery as a value', 'id = (SELECT max(id) FROM range(3) t(id))'],
    ['a window', 'row_number() OVER () = 1'],
    ['an aggregate', 'sum(id) > 3'],
    ['nothing that parses', 'id >'],
    ['text without an end', "name = 'a"],
  ])('is refused for %s', async (_why, where) => {
    await expect(check(where)).rejects.toMatchObject({ code: 'PREDICATE_INVALID', hint: expect.any(String) });
  });

  it.each(['random() < 0.5', "now() > TIMESTAMP '2026-01-01'", 'current_date IS NOT NULL', "id < nextval('s')"])(
    'is refused when it can answer differently when a shard is tried again: %s',
    async (where) => {
      await expect(check(where)).rejects.toMatchObject({
        code: 'PREDICATE_INVALID',
        message: expect.stringContaining('can answer differently'),
      });
    },
  );

  it('names the columns that there are when it asks for another', async () => {
    await expect(check('idd > 3')).rejects.toMatchObject({
      code: 'COLUMN_MISSING',
      message: expect.stringContaining('"id"'),
    });
  });
});

describe('a database', () => {
  it('reaches the named paths and folders only', async () => {
    using outside = new TempFolder();
    const secret = join(outside.path, 'secret.csv');
    writeFileSync(secret, 'a\n1\n');
    for (const sql of [
      `SELECT * FROM read_csv(${quoteText(secret)})`,
      `SELECT * FROM read_text(${quoteText(secret)})`,
      `SELECT * FROM read_text(${quoteText(join(folder.path, '..', '..', secret))})`,
      `SELECT * FROM glob(${quoteText(join(outside.path, '*'))})`,
      `COPY (SELECT 1) TO ${quoteText(join(outside.path, 'x.csv'))}`,
      `ATTACH ${quoteText(join(outside.path, 'x.db'))}`,
    ]) {
      await expect(database.rows(sql), sql).rejects.toThrow(/permission|disabled|cannot access/i);
    }
    await expect(database.rows(`SELECT count(*)::INTEGER AS n FROM ${quoteText(path)}`)).resolves.toEqual([{ n: 10 }]);
  });

  it('loads no extension and keeps its settings', async () => {
    for (const sql of [
      'INSTALL httpfs',
      'LOAD httpfs',
      'SET enable_external_access = true',
      "SET allowed_paths = ['/etc/passwd']",
    ]) {
      await expect(database.run(sql), sql).rejects.toThrow();
    }
  });
});
