import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseDelimiter } from '../../src/dataset/csv-delimiter.ts';
import { type Row, readDataset, TempFolder, type Wanted } from './open-dataset.ts';

const common = [
  { id: '1', x: 0.5, note: 'first' },
  { id: '2', x: -1.25, note: 'second' },
  { id: '3', x: 1000, note: 'third' },
  { id: '4', x: null, note: 'fourth' },
  { id: '5', x: 7, note: 'fifth' },
] as const;
const commonTypes = { id: 'BIGINT', x: 'DOUBLE', note: 'VARCHAR' } as const;

async function readText(files: Readonly<Record<string, string | Uint8Array>>, wanted: Wanted = {}) {
  using folder = new TempFolder();
  const paths = Object.entries(files).map(([name, content]) => {
    writeFileSync(join(folder.path, name), content);
    return join(folder.path, name);
  });
  return await readDataset(paths, wanted);
}

function summary(rejects: readonly Row[]) {
  return rejects.map((row) => `${String(row['file']).split('/').at(-1)} ${row['row_number']} ${row['message']}`);
}

describe('the CSV fixtures', () => {
  it.each(['bom.csv', 'crlf.csv', 'semicolon.csv', 'tab.tsv', 'gzip.csv.gz'])('reads %s alike', async (name) => {
    const { rows, types, opened } = await readDataset(`csv/${name}`);
    expect(types).toEqual(commonTypes);
    expect(rows).toEqual(common);
    expect(opened.rejectedLines).toBe(0);
  });

  it('keeps quoted delimiters, quotes and line ends', async () => {
    const { rows, types } = await readDataset('csv/quotes-newlines.csv', { csv: { nullValues: ['', 'NA'] } });
    expect(types).toEqual(commonTypes);
    expect(rows.map((row) => row['note'])).toEqual([
      'a, comma',
      'she said "no"',
      'two\nlines',
      'three\r\nmore\n\nlines',
      null,
      'a quoted number',
    ]);
    expect(rows.at(-1)?.['x']).toBe(5.5);
  });

  it('sets ragged lines aside with their numbers, and reads the others as the table that they are', async () => {
    const { rows, types, opened, rejects } = await readDataset('csv/ragged.csv');
    expect(types).toEqual(commonTypes);
    expect(rows.map((row) => row['id'])).toEqual(['1', '2', '3', '5', '7', '8']);
    expect(opened.rejectedLines).toBe(2);
    expect(opened.firstRejectedLine).toMatch(/ragged\.csv, line 5: Expected Number of Columns: 3 Found: 2$/);
    expect(summary(rejects)).toEqual([
      'ragged.csv 5 line 5: Expected Number of Columns: 3 Found: 2',
      'ragged.csv 7 line 7: Expected Number of Columns: 3 Found: 4',
    ]);
    expect(rejects.map((row) => row['row'])).toEqual(['{"line":"4,3.5"}', '{"line":"6,5.5,too,long"}']);
    expect(rejects[0]?.['code']).toBe('CSV_LINE');
  });

  it('keeps a column as text when one of its values is no number and no null', async () => {
    const { rows, types } = await readDataset('csv/missing-values.csv', { csv: { nullValues: ['', 'NA'] } });
    expect(types).toEqual({ ...commonTypes, x: 'VARCHAR' });
    expect(rows.map((row) => row['x'])).toEqual(['0.5', null, '2.5', 'N/A', '4.5', null, '-3', '1e-3']);
  });

  it('sets a line aside whose value is not of the type that the job gives', async () => {
    const { types, rejects, opened } = await readDataset('csv/missing-values.csv', {
      csv: { nullValues: ['', 'NA'], types: { x: 'DOUBLE' } },
    });
    expect(types).toEqual(commonTypes);
    expect(opened.facts.rowCount).toBe(7);
    expect(summary(rejects)).toEqual([
      `missing-values.csv 5 line 5: Error when converting column "x". Could not convert string "N/A" to 'DOUBLE'`,
    ]);
  });

  it('tells that there is no header, or believes the job', async () => {
    const guessed = await readDataset('csv/no-header.csv');
    expect(guessed.types).toEqual({ column0: 'BIGINT', column1: 'DOUBLE', column2: 'VARCHAR' });
    expect(guessed.opened.facts.rowCount).toBe(5);
    const told = await readDataset('csv/crlf.csv', { csv: { header: false } });
    expect(told.rows[0]).toEqual({ column0: 'id', column1: 'x', column2: 'note' });
    expect(told.opened.facts.rowCount).toBe(6);
  });

  it('keeps names in every script', async () => {
    const { types } = await readDataset('csv/unicode-names.csv');
    expect(Object.keys(types)).toEqual(['id', 'größe', '東京', 'with space', 'quo"te', '🌙']);
  });

  it('sets lines aside that are not UTF-8', async () => {
    const { rows, rejects } = await readDataset('csv/latin-1.csv');
    expect(rows.map((row) => row['id'])).toEqual(['3']);
    expect(rejects.map((row) => row['row_number'])).toEqual([2, 3]);
    expect(rejects[0]?.['message']).toContain('not utf-8');
  });

  it('reads a header alone as a table without rows', async () => {
    const { rows, types, opened } = await readDataset('csv/header-only.csv');
    expect(rows).toEqual([]);
    expect(Object.keys(types)).toEqual(['id', 'x', 'note']);
    expect(opened.facts.files[0]?.rowCount).toBe(0);
  });

  it('refuses a file without a byte, compressed or not', async () => {
    await expect(readDataset('csv/empty.csv')).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: expect.stringContaining('empty.csv is empty'),
    });
    await expect(readText({ 'e.csv.gz': gzipSync('') })).rejects.toMatchObject({ code: 'INPUT_UNREADABLE' });
  });
});

describe('types of CSV columns', () => {
  it('look at every line, since DuckDB rounds what a guessed type cannot hold', async () => {
    const lines = Array.from({ length: 30_000 }, (_, id) => `${id},${id === 29_000 ? '1.5' : id}`);
    const { rows, types } = await readText({ 'late.csv': `id,x\n${lines.join('\n')}\n` });
    expect(types).toEqual({ id: 'BIGINT', x: 'DOUBLE' });
    expect(rows[29_000]).toEqual({ id: '29000', x: 1.5 });
  });

  it('given as whole numbers refuse fractions rather than round them', async () => {
    const read = readText({ 'a.csv': 'id,x\n1,1\n2,1.5\n' }, { csv: { types: { x: 'int' } } });
    await expect(read).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: expect.stringContaining('column x: 1.5 is not INTEGER, as input.csv.types says'),
    });
    const whole = await readText({ 'a.csv': 'id,x\n1, 7\n2,\n' }, { csv: { types: { x: 'uint8' } } });
    expect(whole.types['x']).toBe('UTINYINT');
    expect(whole.rows.map((row) => row['x'])).toEqual([7, null]);
  });

  it('given as whole numbers set lines aside that hold no number, or one too big', async () => {
    const text = 'id,x\n1,1\n2,N/A\n3, 7\n4,\n5,99999999999999999999\n';
    const { rows, rejects } = await readText({ 'a.csv': text }, { csv: { types: { x: 'BIGINT' } } });
    expect(rows.map((row) => row['x'])).toEqual(['1', '7', null]);
    expect(summary(rejects)).toEqual([
      `a.csv 3 line 3: Error when converting column "x". Could not convert string "N/A" to 'BIGINT'`,
      `a.csv 6 line 6: Error when converting column "x". Could not convert string "99999999999999999999" to 'BIGINT'`,
    ]);
  });

  it('are widened over files that disagree, by name and not by place', async () => {
    const { rows, types } = await readText({
      'a.csv': 'id,x,t\n1,1,2020-01-01\n',
      'b.csv': 't,x,id\n2020-01-02,2.5,2\n',
      'c.csv': 'id,x,t\n',
      'd.csv': 'id,x,t\n4,5,no date\n',
    });
    expect(types).toEqual({ id: 'BIGINT', x: 'DOUBLE', t: 'VARCHAR' });
    expect(rows).toEqual([
      { id: '1', x: 1, t: '2020-01-01' },
      { id: '2', x: 2.5, t: '2020-01-02' },
      { id: '4', x: 5, t: 'no date' },
    ]);
  });

  it('keep 128-bit integers exact, and the dates that a file writes in its own way', async () => {
    const { rows, types } = await readText(
      { 'a.csv': 'n,d\n18446744073709551615,01/02/2013\n9007199254740993,13/02/2013\n' },
      { csv: { types: { n: 'HUGEINT' } } },
    );
    expect(types).toEqual({ n: 'DECIMAL(38,0)', d: 'DATE' });
    expect(rows).toEqual([
      { n: '18446744073709551615', d: '2013-02-01' },
      { n: '9007199254740993', d: '2013-02-13' },
    ]);
  });

  it('are the same before and after staging, so that a run can be resumed', async () => {
    const { found, opened } = await readText(
      { 'a.csv': 'a,b,c,d,e,f\n1,true,2020-01-01 10:00:00,10:00:00,x,1\n' },
      { csv: { types: { f: 'HUGEINT', e: 'JSON', c: 'TIMESTAMP_MS' } } },
    );
    expect(opened.facts.columns.map(({ name, type }) => ({ name, type }))).toEqual(found.columns);
  });

  it('names a column or type of the job that is wrong', async () => {
    await expect(readDataset('csv/crlf.csv', { csv: { types: { nots: 'VARCHAR' } } })).rejects.toMatchObject({
      code: 'COLUMN_MISSING',
      hint: 'did you mean note?',
    });
    await expect(readDataset('csv/crlf.csv', { csv: { types: { x: 'NUMBR' } } })).rejects.toMatchObject({
      code: 'SPEC_INVALID',
      message: expect.stringContaining('input.csv.types.x: "NUMBR"'),
    });
  });
});

describe('files that disagree', () => {
  it('name the file that lacks a column', async () => {
    const read = readText({ 'a.csv': 'id,x\n1,2\n', 'b.csv': 'id,y\n1,2\n' });
    await expect(read).rejects.toMatchObject({
      code: 'INPUT_SCHEMA_MISMATCH',
      message: expect.stringMatching(/b\.csv has no column x, but .*a\.csv has/),
    });
  });
});

describe('null values', () => {
  it('stand for null quoted or not, and an empty value stays a value when it is not among them', async () => {
    const files = { 'a.csv': 'id,t\n1,NA\n2,"NA"\n3,\n4,""\n5,n\n' };
    const texts = async (nullValues: readonly string[]) =>
      (await readText(files, { csv: { nullValues } })).rows.map((row) => row['t']);
    expect(await texts([''])).toEqual(['NA', 'NA', null, null, 'n']);
    expect(await texts(['', 'NA'])).toEqual([null, null, null, null, 'n']);
    expect(await texts(['NA'])).toEqual([null, null, '', '', 'n']);
  });
});

describe('lines that make no table', () => {
  it.each([
    ['a quote that is never closed', 'id,x\n1,"abc\n3,4\n'],
    ['line ends of two kinds', 'id,x\r\n1,2\n2,3\r\n3,4\n'],
  ])('are an error with a way out: %s', async (_, text) => {
    await expect(readText({ 'a.csv': text })).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      hint: expect.stringContaining('quote that is never closed'),
    });
  });

  it('do not begin with #, and are not skipped at the top', async () => {
    const hash = await readText({ 'a.csv': 'id,x\n1,2\n#2,3\n3,4\n' });
    expect(hash.rows.map((row) => row['id'])).toEqual(['1', '#2', '3']);
    const short = await readText({ 'a.csv': 'id,x,note\n1,0.5\n2,1,a\n3,2,b\n' });
    expect(short.rejects.map((row) => row['row_number'])).toEqual([2]);
    expect(short.opened.facts.rowCount).toBe(2);
  });

  it('are found by line over several files, compressed ones too, whatever the texts hold', async () => {
    const text = 'id,note\n1,"two\nlines"\n2\n3,"three\n\nlines"\n\n4,a,b\n5,ok\n6\n';
    const files = {
      'a.csv': text,
      'b.csv.gz': gzipSync(text),
      'c.csv.zst': zstdCompressSync(text),
      'd.csv': 'id,note\n7,x\n',
    };
    const { rows, rejects, opened } = await readText(files);
    const lines = rejects.map((row) => `${String(row['file']).split('/').at(-1)}:${row['row_number']}`);
    expect(lines).toEqual(
      ['a.csv', 'b.csv.gz', 'c.csv.zst'].flatMap((name) => [4, 9, 11].map((line) => `${name}:${line}`)),
    );
    expect(opened.rejectedLines).toBe(9);
    expect(rows.map((row) => row['id'])).toEqual(['1', '3', '5', '1', '3', '5', '1', '3', '5', '7']);
  });

  it('are all kept, however many, and in files of many buffers', async () => {
    const lines = Array.from({ length: 60_000 }, (_, id) =>
      id % 3 === 1 ? `${id}` : `${id},"${'n'.repeat(700)}\n${id}"`,
    );
    const { rejects, opened } = await readText({ 'many.csv': `id,note\n${lines.join('\n')}\n` });
    expect(opened.rejectedLines).toBe(20_000);
    expect(rejects).toHaveLength(20_000);
    // Before the nth reject: the header, n of its kind, and 2n + 1 records of two lines.
    expect(rejects.map((row) => Number(row['row_number']))).toEqual(
      Array.from({ length: 20_000 }, (_, n) => 4 + 5 * n),
    );
    expect(opened.facts.rowCount).toBe(40_000);
  });
});

describe('the delimiter', () => {
  it.each([
    [['a;b;c', '1,5;2,5;3', '1;2;3'], ';'],
    [['a,b', '"x;y;z",1', '"p;q;r",2'], ','],
    [['"a;b",c', '1,2'], ','],
    [['a\tb', '1,2\t3'], '\t'],
    [['a|b', '1|2'], '|'],
    [['only', 'one'], ','],
    [[], ','],
    [['note,x', '"open', 'still; open",2', '3,4'], ','],
  ])('of %j is %j', (lines, delimiter) => {
    expect(chooseDelimiter(lines)).toBe(delimiter);
  });

  it('is found whatever stands in quotes', () => {
    const cell = fc.stringMatching(/^[a-z0-9,;|\t ]{0,8}$/);
    const table = fc
      .integer({ min: 2, max: 5 })
      .chain((width) =>
        fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 2, maxLength: 6 }),
      );
    fc.assert(
      fc.property(fc.constantFrom(',', ';', '\t', '|'), table, (delimiter, rows) => {
        const lines = rows.map((row) => row.map((value) => `"${value}"`).join(delimiter));
        expect(chooseDelimiter(lines)).toBe(delimiter);
      }),
    );
  });
});

describe('names of files', () => {
  it('may hold what is a pattern elsewhere', async () => {
    const content = 'id\n1\n';
    const { opened } = await readText({
      'a[1].csv': content,
      'a1.csv': content,
      'b*.csv': content,
      "it's ü.csv": content,
      'q?.csv': content,
    });
    expect(opened.facts.files.map((file) => file.rowCount)).toEqual([1, 1, 1, 1, 1]);
  });
});
