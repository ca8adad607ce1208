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
  const exposed = columns.map((column) => {
    const name = quoteName(column.name);
    return column.widened || column.origin === 'partition' ? `CAST(${name} AS ${column.type}) AS ${name}` : name;
  });
  exposed.push(`file_row_number AS ${quoteName(rowNumberColumn)}`, `filename AS ${quoteName(fileColumn)}`);
  const read = (files: RowSelection['files']) => {
    const options = ['file_row_number = true', 'filename = true', `hive_partitioning = ${selection.hasPartitions}`];
    if (selection.hasPartitions) options.push('hive_types_autocast = false');
    if (files.length > 1) options.push('union_by_name = true');
    const paths = quotePaths(files.map((file) => file.path));
    return `SELECT ${exposed.join(', ')} FROM read_parquet(${paths}, ${options.join(', ')})${rangeSql(files)}`;
  };
  return `(${readTogether(selection.files).map(read).join(' UNION ALL ')})`;
}

/** Files that are read whole, one after the other, need one scan; each range of rows needs its own. */
function readTogether(files: RowSelection['files']): readonly RowSelection['files'][] {
  if (files.length < 2) return [files];
  const groups: RowSelection['files'][number][][] = [];
  let isOpen = false;
  for (const file of files) {
    const isWhole = file.rowStart === 0 && file.rowEnd === file.rowCount;
    if (isWhole && isOpen) groups.at(-1)?.push(file);
    else groups.push([file]);
    isOpen = isWhole;
  }
  return groups;
}

/** Rows of the selection that the predicate keeps. `extra` is ANDed. */
export function whereSql(selection: RowSelection, extra?: string): string {
  const parts = [];
  // The newline keeps a trailing `--` comment of the user from swallowing the bracket.
  if (selection.where !== undefined) parts.push(`(${selection.where}\n)`);
  if (extra !== undefined) parts.push(`(${extra})`);
  return parts.length === 0 ? '' : ` WHERE ${parts.join(' AND ')}`;
}

function rangeSql(files: RowSelection['files']): string {
  const [only] = files;
  if (only === undefined || files.length > 1) return '';
  if (only.rowStart === 0 && only.rowEnd === only.rowCount) return '';
  // Told so, DuckDB reads no page of it.
  if (only.rowStart === only.rowEnd) return ' WHERE false';
  return ` WHERE file_row_number >= ${only.rowStart} AND file_row_number < ${only.rowEnd}`;
}
