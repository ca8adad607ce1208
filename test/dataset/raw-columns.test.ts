import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RawRequest, RawValues } from '../../src/dataset/contract.ts';
import { inWindows } from '../../src/dataset/row-windows.ts';
import { scanRows } from '../../src/dataset/scan-rows.ts';
import { ScanTable } from './scan-table.ts';

const request = (raw: RawRequest['raw'], name: string): RawRequest => ({ raw, column: { name, nullFree: false } });

async function scanRaw(
  { database, selection }: ScanTable,
  features: readonly RawRequest[],
  batchRows: number,
): Promise<{ readonly batches: readonly (readonly RawValues[])[]; readonly rejectedRows: number }> {
  const counts = { matchedRows: 0, rejectedRows: 0 };
  const batches: (readonly RawValues[])[] = [];
  const options = { database, selection, batchRows, counts, features };
  // Kept as they come: a batch that a later one wrote into would show.
  for await (const batch of scanRows({ ...options, fetch: 'ahead' })) batches.push(batch.raw);
  return { batches, rejectedRows: counts.rejectedRows };
}

const textOf = (value: string | Uint8Array) =>
  typeof value === 'string' ? value : Buffer.from(value).toString('latin1');

describe('columns of bytes and of texts', () => {
  it('come as they are, copied, in batches that cross row groups and reads', async () => {
    const rows = 5000;
    using table = await ScanTable.of(
      `SELECT encode(repeat(chr(97 + (i % 26)::INTEGER), (i % 40)::INTEGER)) AS bytes, 'ß' || i AS words FROM range(${rows}) t(i)`,
      2048,
    );
    const { batches, rejectedRows } = await scanRaw(table, [request('bytes', 'bytes'), request('text', 'words')], 300);
    expect(rejectedRows).toBe(0);
    expect(batches.map(([bytes]) => bytes?.length)).toEqual([...Array.from({ length: 16 }, () => 300), 200]);
    const [bytes, words] = [0, 1].map((column) =>
      batches.flatMap((batch) => Array.from<string | Uint8Array>(batch[column] ?? [])),
    );
    expect(bytes?.map(textOf)).toEqual(
      Array.from({ length: rows }, (_, i) => String.fromCharCode(97 + (i % 26)).repeat(i % 40)),
    );
    expect(words).toEqual(Array.from({ length: rows }, (_, i) => `ß${i}`));
  });

  it('holds every byte there is', async () => {
    using table = await ScanTable.of(
      `SELECT unhex('${Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i)).toString('hex')}') AS bytes`,
    );
    const { batches } = await scanRaw(table, [request('bytes', 'bytes')], 10);
    expect(Array.from(Buffer.from(batches[0]?.[0]?.[0] ?? ''))).toEqual(Array.from({ length: 256 }, (_, i) => i));
  });

  it('rejects nulls and nothing else, not even what is empty', async () => {
    using table = await ScanTable.of(
      `SELECT unnest([''::BLOB, NULL, 'a'::BLOB]) AS bytes, unnest(['x', 'y', NULL]) AS words`,
    );
    const requests = [request('bytes', 'bytes'), request('text', 'words')];
    const { batches, rejectedRows } = await scanRaw(table, requests, 10);
    expect(rejectedRows).toBe(2);
    expect(batches.map((batch) => batch.map((values) => Array.from<string | Uint8Array>(values).map(textOf)))).toEqual([
      [[''], ['x']],
    ]);
    expect(await table.rejects(requests)).toEqual([
      { row_number: 1, code: 'NULL_VALUE', message: 'column bytes is null' },
      { row_number: 2, code: 'NULL_VALUE', message: 'column words is null' },
    ]);
  });
});

it('windows hold the rows of their selection, in order, no more than asked for', () => {
  const range = fc.record({ rowStart: fc.nat(5000), rows: fc.nat(5000) });
  fc.assert(
    fc.property(fc.array(range, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 700 }), (ranges, most) => {
      const files = ranges.map(({ rowStart, rows }, at) => {
        const path = `/${at}`;
        return { path, source: path, rowStart, rowEnd: rowStart + rows, rowCount: 20_000 };
      });
      const windows = inWindows({ files, columns: [], hasPartitions: false, where: undefined }, most);
      const pieces = windows.flatMap((window) => window.files);
      expect(windows.every((window) => window.files.length === 1)).toBe(true);
      expect(pieces.every(({ rowStart, rowEnd }) => rowEnd >= rowStart && rowEnd - rowStart <= most)).toBe(true);
      for (const file of files) {
        const own = pieces.filter(({ path }) => path === file.path);
        expect(own[0]?.rowStart).toBe(file.rowStart);
        expect(own.at(-1)?.rowEnd).toBe(file.rowEnd);
        expect(own.slice(1).every((piece, at) => piece.rowStart === own[at]?.rowEnd)).toBe(true);
      }
    }),
  );
});
