import { listItem } from './column-type.ts';
import type { ColumnSchema, DatasetFacts } from './contract.ts';
import type { Database } from './duckdb.ts';
import { quoteName, quotePaths } from './sql.ts';

/** Lengths of the first list of a column that is not null, outermost first; empty when every row is null. */
export async function listShape(
  database: Database,
  facts: DatasetFacts,
  column: ColumnSchema,
): Promise<readonly number[]> {
  const { depth } = listItem(column.type);
  const name = quoteName(column.name);
  const lengths = Array.from(
    { length: depth },
    (_, level) => `len(${name}${'[1]'.repeat(level)})::INTEGER AS l${level}`,
  );
  for (const file of facts.files) {
    const [row] = await database.rows(
      `SELECT ${lengths.join(', ')} FROM read_parquet(${quotePaths([file.path])}, hive_partitioning = false) WHERE ${name} IS NOT NULL LIMIT 1`,
    );
    if (row !== undefined) return Array.from({ length: depth }, (_, level) => Number(row[`l${level}`] ?? 0));
  }
  return [];
}
