import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { partitionColumns } from '../../src/dataset/partitions.ts';
import { readDataset, TempFolder } from './open-dataset.ts';

function typesOf(values: readonly string[]): string | undefined {
  return partitionColumns(values.map((value, index) => `/data/k=${value}/${index}.csv`))[0]?.type;
}

describe('partitions of formats other than Parquet', () => {
  it.each([
    ['csv', 'x,city\n1,old\n'],
    ['jsonl', '{"x":1,"city":"old"}\n'],
    ['arrow', tableToIPC(tableFromArrays({ x: BigInt64Array.of(1n), city: ['old'] }), 'file')],
  ])('become columns of %s, and stand above those of their name', async (ending, content) => {
    using folder = new TempFolder();
    for (const name of ['month=1/city=S%C3%A3o Paulo', 'month=12/city=__HIVE_DEFAULT_PARTITION__']) {
      const path = join(folder.path, name, `a.${ending}`);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
    const { rows, types, found, opened } = await readDataset(folder.path);
    expect(types).toEqual({ x: 'BIGINT', month: 'BIGINT', city: 'VARCHAR' });
    expect(rows).toEqual([
      { x: '1', month: '1', city: 'São Paulo' },
      { x: '1', month: '12', city: null },
    ]);
    expect(opened.facts.columns.map(({ name, type }) => ({ name, type }))).toEqual(found.columns);
  });

  it('are whole numbers, dates or texts, as DuckDB has those of Parquet', () => {
    expect(typesOf(['1', '-20', '0'])).toBe('BIGINT');
    expect(typesOf(['01', '02'])).toBe('VARCHAR');
    expect(typesOf(['1', 'x'])).toBe('VARCHAR');
    expect(typesOf(['2020-01-31', '__HIVE_DEFAULT_PARTITION__'])).toBe('DATE');
    expect(typesOf(['2020-13-31'])).toBe('VARCHAR');
    expect(typesOf(['__HIVE_DEFAULT_PARTITION__'])).toBe('VARCHAR');
    expect(typesOf(['100%', 'a%2Fb'])).toBe('VARCHAR');
  });

  it('must have the same keys everywhere', () => {
    expect(() => partitionColumns(['/d/a=1/x.csv', '/d/b=1/y.csv'])).toThrow(
      'the folders of /d/b=1/y.csv have other keys',
    );
  });
});
