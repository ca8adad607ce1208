import type { DatasetFacts } from './contract.ts';
import type { Database } from './duckdb.ts';
import { rowNumberColumn, sourceSql, whereSql } from './source-sql.ts';
import { quoteName } from './sql.ts';

/** Where a dataset ends early: rows of `files[file]` from `rowEnd` on, and all later files, are left out. */
export interface RowCut {
  readonly file: number;
  /** Exclusive. */
  readonly rowEnd: number;
}

/**
 * The place right after the `limit`th row that the predicate keeps, in input order; undefined when there are
 * no more than that.
 */
export async function limitRows(options: {
  database: Database;
  facts: DatasetFacts;
  where: string | undefined;
  limit: number;
}): Promise<RowCut | undefined> {
  const { database, facts, where } = options;
  let left = options.limit;
  for (const [index, file] of facts.files.entries()) {
    if (where === undefined) {
      if (file.rowCount >= left) return { file: index, rowEnd: left };
      left -= file.rowCount;
      continue;
    }
    const selection = {
      files: [{ ...file, rowStart: 0, rowEnd: file.rowCount }],
      columns: facts.columns,
      hasPartitions: facts.hasPartitions,
      where,
    };
    const source = `${sourceSql(selection, facts.columns)}${whereSql(selection)}`;
    const [row] = await database.rows(
      `SELECT count(*)::DOUBLE AS kept, max(place)::DOUBLE AS place FROM (SELECT ${quoteName(rowNumberColumn)} AS place FROM ${source} ORDER BY place LIMIT ${left})`,
    );
    const kept = Number(row?.['kept']);
    if (kept === left) return { file: index, rowEnd: Number(row?.['place']) + 1 };
    left -= kept;
  }
  return undefined;
}
