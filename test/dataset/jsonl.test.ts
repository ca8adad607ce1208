import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readDataset, TempFolder } from './open-dataset.ts';

async function readLines(files: Readonly<Record<string, string | Uint8Array>>) {
  using folder = new TempFolder();
  const paths = Object.entries(files).map(([name, content]) => {
    writeFileSync(join(folder.path, name), content);
    return join(folder.path, name);
  });
  return await readDataset(paths);
}

describe('JSON lines', () => {
  it('keep integers of up to 128 bits exact, under the type that they had before staging', async () => {
    const { rows, types, found, opened } = await readLines({
      'a.jsonl': '{"id":9007199254740993,"n":18446744073709551615}\n{"id":2,"n":-1}\n',
    });
    expect(types).toEqual({ id: 'BIGINT', n: 'DECIMAL(38,0)' });
    expect(rows).toEqual([
      { id: '9007199254740993', n: '18446744073709551615' },
      { id: '2', n: '-1' },
    ]);
    expect(opened.facts.columns.map(({ name, type }) => ({ name, type }))).toEqual(found.columns);
  });

  it('have the keys of all lines of all files, compressed or not', async () => {
    const { rows, types } = await readLines({
      'a.jsonl': '{"a":1,"l":[1,2]}\n\n{"a":2.5,"s":{"x":"y"}}\n',
      'b.ndjson.gz': gzipSync('{"b":"2020-01-01"}\r\n'),
      'c.jsonl.zst': zstdCompressSync('{"a":7}\n'),
    });
    expect(types).toEqual({ a: 'DOUBLE', l: 'BIGINT[]', s: 'STRUCT(x VARCHAR)', b: 'DATE' });
    expect(rows.map((row) => row['a'])).toEqual([1, 2.5, null, 7]);
  });

  it('have text where the values of a key are of several kinds', async () => {
    const { rows, types } = await readLines({ 'a.jsonl': '{"a":1}\n{"a":"x"}\n{"a":null}\n{"a":{"b":1}}\n' });
    expect(types).toEqual({ a: 'VARCHAR' });
    expect(rows.map((row) => row['a'])).toEqual(['1', 'x', null, '{"b":1}']);
  });

  it.each([
    ['cut off', '{"a":1}\n{"a":\n{"a":3}\n', 'line 2 is no JSON object: {"a":'],
    ['a list', '{"a":1}\n\n[1,2]\n', 'line 3 is no JSON object: [1,2]'],
    ['one value over many lines', '[\n  {"a":1}\n]\n', 'line 1 is no JSON object: ['],
    ['late', `${'{"a":1}\n'.repeat(50_000)}{"a":x}\n`, 'line 50001 is no JSON object: {"a":x}'],
  ])('that are none are named: %s', async (_, text, problem) => {
    await expect(readLines({ 'ok.jsonl': '{"a":0}\n', 'bad.jsonl': text })).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: expect.stringMatching(/cannot read .*bad\.jsonl as jsonl: /),
    });
    await expect(readLines({ 'bad.jsonl': text })).rejects.toThrow(problem);
  });

  it('must be there: without a line no column is known', async () => {
    await expect(readLines({ 'a.jsonl': '' })).rejects.toMatchObject({ code: 'INPUT_UNREADABLE' });
    await expect(readLines({ 'a.jsonl.gz': gzipSync('') })).rejects.toThrow('is empty');
  });
});
