import { AppError } from '../core/errors.ts';

/** A file, or the first of several that are alike, and its columns. */
export interface FileColumns {
  readonly source: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

export interface MergedColumn {
  readonly name: string;
  readonly type: string;
  readonly widened: boolean;
}

/**
 * The columns of the first file, each with a type that holds what every file has.
 * @param widen the type that holds both, or undefined when none does
 * @throws AppError INPUT_SCHEMA_MISMATCH when a file lacks a column or has it as a type that doesn't fit
 */
export function mergeColumns(
  files: readonly FileColumns[],
  widen: (a: string, b: string) => string | undefined,
): readonly MergedColumn[] {
  const [first, ...others] = files;
  if (first === undefined) return [];
  const merged = new Map(first.columns.map((column) => [column.name, { ...column, widened: false }]));
  for (const other of others) {
    const types = new Map(other.columns.map((column) => [column.name, column.type]));
    for (const [name, column] of merged) {
      const type = types.get(name);
      const widened = type === undefined ? undefined : widen(column.type, type);
      if (widened === undefined) {
        const problem =
          type === undefined
            ? `has no column ${name}, but ${first.source} has`
            : `has ${name} as ${type}, but ${first.source} has it as ${column.type}`;
        throw new AppError('INPUT_SCHEMA_MISMATCH', `${other.source} ${problem}`, {
          hint: 'rewrite the file that differs, or narrow input.path to files of one schema',
        });
      }
      merged.set(name, { name, type: widened, widened: column.widened || widened !== column.type || type !== widened });
    }
  }
  return [...merged.values()];
}
