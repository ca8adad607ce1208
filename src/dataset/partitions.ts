import { AppError } from '../core/errors.ts';
import { quoteName, quoteText } from './sql.ts';

/** A `key=value` folder as a column; of Parquet DuckDB makes these, of other formats the copies get them here. */
export interface PartitionColumn {
  readonly name: string;
  readonly type: 'BIGINT' | 'DATE' | 'VARCHAR';
  /** File → value; undefined is null. */
  readonly values: ReadonlyMap<string, string | undefined>;
}

/**
 * The partitions of files, as DuckDB has those of Parquet: whole numbers, dates or texts.
 * @throws AppError INPUT_SCHEMA_MISMATCH when files have other keys than the first
 */
export function partitionColumns(paths: readonly string[]): readonly PartitionColumn[] {
  const keysOf = new Map(paths.map((path) => [path, partitionKeys(path)]));
  const [first = ''] = paths;
  const names = [...(keysOf.get(first)?.keys() ?? [])];
  for (const [path, keys] of keysOf) {
    if (keys.size === names.length && names.every((name) => keys.has(name))) continue;
    throw new AppError('INPUT_SCHEMA_MISMATCH', `the folders of ${path} have other keys than those of ${first}`, {
      hint: 'put all files under folders of the same keys, or narrow input.path',
    });
  }
  return names.map((name) => {
    const values = new Map(paths.map((path) => [path, keysOf.get(path)?.get(name)]));
    return { name, type: typeOf([...values.values()]), values };
  });
}

function partitionKeys(path: string): ReadonlyMap<string, string | undefined> {
  const folders = path.split('/').slice(0, -1);
  return new Map(
    folders.flatMap((folder) => {
      const [, key, value] = /^([^=]+)=([^=]*)$/s.exec(folder) ?? [];
      if (key === undefined || value === undefined) return [];
      return [[decoded(key), value === '__HIVE_DEFAULT_PARTITION__' ? undefined : decoded(value)] as const];
    }),
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function typeOf(values: readonly (string | undefined)[]): PartitionColumn['type'] {
  const known = values.filter((value) => value !== undefined);
  if (known.length === 0) return 'VARCHAR';
  // Leading zeros mean a code, not a number.
  if (known.every((value) => /^(0|-?[1-9]\d{0,17})$/.test(value))) return 'BIGINT';
  const isDate = (value: string) => /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value));
  return known.every(isDate) ? 'DATE' : 'VARCHAR';
}

/** A file's rows with its partitions beside them; a partition stands above a column of its name. */
export function partitionedSql(
  sql: string,
  path: string,
  {
    columns,
    partitions,
  }: { readonly columns: readonly { readonly name: string }[]; readonly partitions: readonly PartitionColumn[] },
): string {
  if (partitions.length === 0) return sql;
  const own = outside(columns, partitions).map(({ name }) => quoteName(name));
  const added = partitions.map(({ name, type, values }) => {
    const value = values.get(path);
    return `CAST(${value === undefined ? 'NULL' : quoteText(value)} AS ${type}) AS ${quoteName(name)}`;
  });
  return `SELECT ${[...own, ...added].join(', ')} FROM (${sql})`;
}

/** Columns that no partition stands above. */
export function outside<T extends { readonly name: string }>(
  columns: readonly T[],
  partitions: readonly PartitionColumn[],
): readonly T[] {
  const names = new Set(partitions.map((partition) => partition.name.toLowerCase()));
  return columns.filter((column) => !names.has(column.name.toLowerCase()));
}
