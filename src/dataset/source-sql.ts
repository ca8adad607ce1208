import type { ColumnSchema, RowSelection } from './contract.ts';
import { quoteName, quotePaths } from './sql.ts';

/** Row number within its file; selected under this name so that no column of the data can collide with it. */
export const rowNumberColumn = '__nightshift_row_number';
/** Path of the row's file. */
export const fileColumn = '__nightshift_file';

/**
 * The FROM clause of a row set: all columns by name, widened where files disagree, and the row's place.
 * @param columns what to expose; more than needed costs nothing, DuckDB prunes
 */
export function sourceSql(selection: RowSelection, columns: readonly ColumnSchema[]): string {
  const paths = selection.files.map((file) => file.path);
  const exposed = columns.map((column) => {
    const name = quoteName(column.name);
    return column.widened || column.origin === 'partition' ? `CAST(${name} AS ${column.type}) AS ${name}` : name;
  });
  exposed.push(`file_row_number AS ${quoteName(rowNumberColumn)}`, `filename AS ${quoteName(fileColumn)}`);
  const options = ['file_row_number = true', 'filename = true', `hive_partitioning = ${selection.hasPartitions}`];
  if (selection.hasPartitions) options.push('hive_types_autocast = false');
  if (paths.length > 1) options.push('union_by_name = true');
  return `(SELECT ${exposed.join(', ')} FROM read_parquet(${quotePaths(paths)}, ${options.join(', ')})${rangeSql(selection)})`;
}

/** Rows of the selection that the predicate keeps. `extra` is ANDed. */
export function whereSql(selection: RowSelection, extra?: string): string {
  const parts = [];
  // The newline keeps a trailing `--` comment of the user from swallowing the bracket.
  if (selection.where !== undefined) parts.push(`(${selection.where}\n)`);
  if (extra !== undefined) parts.push(`(${extra})`);
  return parts.length === 0 ? '' : ` WHERE ${parts.join(' AND ')}`;
}

/** Packed selections hold whole files, so only a lone file needs its range spelled out. */
function rangeSql(selection: RowSelection): string {
  const [only] = selection.files;
  if (only === undefined || selection.files.length > 1) return '';
  if (only.rowStart === 0 && only.rowEnd === only.rowCount) return '';
  return ` WHERE file_row_number >= ${only.rowStart} AND file_row_number < ${only.rowEnd}`;
}
