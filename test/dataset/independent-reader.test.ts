import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Database } from '../../src/dataset/duckdb.ts';
import { writePart } from '../../src/dataset/write-part.ts';
import { TempFolder } from './open-dataset.ts';

/** What is used of parquetjs-lite, which has no types: a Parquet reader that shares no code with DuckDB. */
interface ParquetReader {
  getRowCount(): unknown;
  getCursor(): { next(): Promise<unknown> };
  close(): Promise<void>;
}

async function openParquet(path: string): Promise<ParquetReader> {
  const parquet: unknown = createRequire(import.meta.url)('parquetjs-lite');
  if (!hasReader(parquet)) throw new Error('parquetjs-lite has no ParquetReader');
  return await parquet.ParquetReader.openFile(path);
}

function hasReader(
  value: unknown,
): value is { readonly ParquetReader: { openFile(path: string): Promise<ParquetReader> } } {
  return typeof value === 'object' && value !== null && 'ParquetReader' in value;
}

async function readAll(path: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const reader = await openParquet(path);
  try {
    const cursor = reader.getCursor();
    const rows: Record<string, unknown>[] = [];
    for (let row = await cursor.next(); row !== null; row = await cursor.next()) rows.push({ ...Object(row) });
    expect(Number(reader.getRowCount())).toBe(rows.length);
    return rows;
  } finally {
    await reader.close();
  }
}

const rowCount = 6000;
const firstId = 2n ** 53n + 1n;

async function writeInput(path: string): Promise<void> {
  using folder = new TempFolder();
  using database = await Database.open({ readablePaths: [], folders: [join(path, '..'), folder.path], threads: 1 });
  await database.run(
    `COPY (SELECT ${firstId} + 2 * i AS id, CASE WHEN i % 3 > 0 THEN 'n° ' || i END AS note, i / 4 AS quarter, i % 2 = 0 AS even FROM range(${rowCount}) t(i))
     TO '${path}' (FORMAT parquet)`,
  );
}

describe('parquetjs-lite, which shares no code with the writer', () => {
  it.each(['snappy', 'gzip', 'none'] as const)('reads our Parquet with %s back', async (compression) => {
    using folder = new TempFolder();
    const input = join(folder.path, 'input.parquet');
    const path = join(folder.path, 'part.parquet');
    await writeInput(input);
    const scores = Float32Array.from({ length: rowCount }, (_, row) => row / 7);
    const margins = Float64Array.from({ length: rowCount }, (_, row) => -row / 3);
    const labels = BigInt64Array.from({ length: rowCount }, (_, row) => firstId * 2n + BigInt(row));
    const columns = [
      ['id', 'BIGINT'],
      ['note', 'VARCHAR'],
      ['quarter', 'DOUBLE'],
      ['even', 'BOOLEAN'],
    ].map(([name = '', type = '']) => ({ name, type, widened: false, origin: 'file' }) as const);
    using database = await Database.open({ readablePaths: [input], folders: [folder.path], threads: 1 });
    await writePart({
      database,
      selection: {
        files: [{ path: input, source: input, rowStart: 0, rowEnd: rowCount, rowCount }],
        columns,
        hasPartitions: false,
        where: undefined,
      },
      keep: columns,
      rejectedBy: undefined,
      leftOut: [],
      predictions: [
        { name: 'score', element: 'float32', innerShape: [], values: scores },
        { name: 'margin', element: 'float64', innerShape: [], values: margins },
        { name: 'label', element: 'int64', innerShape: [], values: labels },
      ],
      rowCount,
      path,
      part: { format: 'parquet', compression },
    });
    const rows = await readAll(path);
    expect(rows).toHaveLength(rowCount);
    const wrong = rows.filter((row, index) => {
      const note = index % 3 > 0 ? `n° ${index}` : undefined;
      return !(
        row['id'] === firstId + 2n * BigInt(index) &&
        (row['note'] ?? undefined) === note &&
        Number(row['quarter']) === index / 4 &&
        row['even'] === (index % 2 === 0) &&
        Number(row['score']) === scores[index] &&
        Number(row['margin']) === margins[index] &&
        row['label'] === labels[index]
      );
    });
    expect(wrong.slice(0, 3)).toEqual([]);
  });
});
