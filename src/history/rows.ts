import type { z } from 'zod';
import { AppError } from '../core/errors.ts';
import type { SqlParams, SqlRow, SqlValue } from '../core/sqlite.ts';

type Fields = Readonly<Record<string, SqlValue | boolean | undefined>>;

/** A record's fields as SQLite takes them. */
export function paramsOf(fields: Fields): SqlParams {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'boolean' ? Number(value) : (value ?? null)]),
  );
}

/**
 * Rows as records.
 * @throws AppError HISTORY_UNAVAILABLE for one that somebody else wrote
 */
export function recordsOf<Schema extends z.ZodType>(
  schema: Schema,
  rows: readonly SqlRow[],
): readonly z.output<Schema>[] {
  return rows.map((row) => {
    const fields = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
    const parsed = schema.safeParse(fields);
    if (parsed.success) return parsed.data;
    throw new AppError('HISTORY_UNAVAILABLE', `a record of the history is not one: ${parsed.error.message}`, {
      hint: 'move the state folder away, and a new history is begun',
    });
  });
}

/** `INSERT INTO runs ("a", "b") VALUES ($a, $b)` */
export function insertInto(table: string, params: SqlParams): string {
  const names = Object.keys(params);
  const columns = names.map((name) => `"${name}"`).join(', ');
  return `INTO ${table} (${columns}) VALUES (${names.map((name) => `$${name}`).join(', ')})`;
}
