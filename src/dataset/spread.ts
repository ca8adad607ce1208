import { familyOf } from './column-type.ts';
import type { Measurement, WrittenColumn, WrittenFiles } from './contract.ts';
import { type Database, dataError } from './duckdb.ts';
import { columnsOf, writtenSource, writtenValue } from './written-source.ts';

const binCount = 10;

export interface SpreadRequest {
  readonly column: WrittenColumn;
  readonly table: WrittenFiles & { readonly columns: readonly WrittenColumn[] };
  readonly reference: WrittenFiles | undefined;
}

/**
 * Counts a column's values between the deciles of the reference: `(-∞, d1]`, `(d1, d2]`, … `(d9, ∞)`, equal deciles once,
 * and a last bin for null and NaN. Exact, by a sort that may spill, so that the same tables always give the same counts.
 */
export async function spreadOf(database: Database, request: SpreadRequest): Promise<Measurement['bins']> {
  const { column, table, reference } = request;
  if (reference === undefined || reference.paths.length === 0) return undefined;
  const found = await referenceBins(database, reference, column).catch((error: unknown) =>
    Promise.reject(dataError(error, `what is published, ${reference.paths[0]}`)),
  );
  if (found === undefined) return undefined;
  const names = table.columns.map(({ name }) => name);
  const rows = `SELECT ${writtenValue(column, table.format)}::DOUBLE AS x FROM ${writtenSource(table, names)}`;
  return { reference: found.bins, table: await binsOf(database, rows, found.edges) };
}

async function referenceBins(database: Database, reference: WrittenFiles, column: WrittenColumn) {
  const source = await referenceSource(database, reference, column);
  const edges = source === undefined ? undefined : await decilesOf(database, source);
  if (source === undefined || edges === undefined) return undefined;
  return { edges, bins: await binsOf(database, source, edges) };
}

/** The reference's values as `x`; undefined when the column is not there, or holds no numbers. */
async function referenceSource(
  database: Database,
  reference: WrittenFiles,
  column: WrittenColumn,
): Promise<string | undefined> {
  const known = await columnsOf(database, reference);
  const type = known === undefined ? 'DOUBLE' : known.get(column.name);
  if (type === undefined) return undefined;
  const isText = reference.format === 'csv' || reference.format === 'jsonl';
  if (!isText && !['integer', 'float', 'decimal'].includes(familyOf(type))) return undefined;
  const value = writtenValue({ ...column, type: isText ? 'DOUBLE' : type, nullIsNan: false }, reference.format);
  return `SELECT ${value}::DOUBLE AS x FROM ${writtenSource(reference, [...(known?.keys() ?? [column.name])])}`;
}

async function decilesOf(database: Database, source: string): Promise<readonly string[] | undefined> {
  const numbers = `FROM (${source}) WHERE x IS NOT NULL AND NOT isnan(x)`;
  const [row] = await database.rows(`SELECT count(*)::DOUBLE AS numbers ${numbers}`);
  const count = Number(row?.['numbers']);
  if (count === 0) return undefined;
  const places = Array.from({ length: binCount - 1 }, (_, index) => Math.ceil(((index + 1) * count) / binCount));
  const found = await database.rows(
    `SELECT DISTINCT x FROM (SELECT x, row_number() OVER (ORDER BY x) AS place ${numbers}) WHERE place IN (${places.join(', ')}) ORDER BY x`,
  );
  return found.map((decile) => `'${String(decile['x'])}'::DOUBLE`);
}

async function binsOf(database: Database, source: string, edges: readonly string[]): Promise<readonly number[]> {
  const missing = edges.length + 1;
  const bin = edges.map((edge) => `(x > ${edge})::INTEGER`).join(' + ');
  const rows = await database.rows(
    `SELECT CASE WHEN x IS NULL OR isnan(x) THEN ${missing} ELSE ${bin} END AS bin, count(*)::DOUBLE AS times FROM (${source}) GROUP BY bin`,
  );
  const bins = Array.from({ length: missing + 1 }, () => 0);
  for (const row of rows) bins[Number(row['bin'])] = Number(row['times']);
  return bins;
}
