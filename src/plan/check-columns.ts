import { AppError } from '../core/errors.ts';
import { nearest } from '../core/suggest.ts';
import { familyOf } from '../dataset/column-type.ts';
import type { WrittenColumn } from '../dataset/contract.ts';
import type { Check } from '../spec/check.ts';
import type { Locate } from './plan-input.ts';

export interface ChecksInSpec {
  readonly checks: readonly Check[];
  readonly locate: Locate;
}

/**
 * Holds the columns that checks name against those of the output.
 * @throws AppError COLUMN_MISSING, or SPEC_INVALID when a check needs numbers and the column has none
 */
export function checkColumns(table: readonly WrittenColumn[], { checks, locate }: ChecksInSpec): void {
  for (const [index, check] of checks.entries()) {
    for (const { name, path } of namedColumns(check)) {
      const column = table.find((candidate) => candidate.name === name);
      const place = () => locate(['checks', index, check.type, ...path]);
      if (column === undefined) throw missing(place(), name, table);
      refuseType(check, column, place);
    }
  }
}

function namedColumns(check: Check): readonly { readonly name: string; readonly path: readonly (string | number)[] }[] {
  if ('columns' in check) return check.columns.map((name, index) => ({ name, path: ['columns', index] }));
  return 'column' in check ? [{ name: check.column, path: ['column'] }] : [];
}

function missing(place: string, name: string, table: readonly WrittenColumn[]): AppError {
  const names = table.map((column) => column.name);
  const near = nearest(name, names);
  return new AppError('COLUMN_MISSING', `${place}: column ${name} is not in the output`, {
    hint: near === undefined ? `its columns are ${names.slice(0, 12).join(', ')}` : `did you mean ${near}?`,
    details: { column: name, columns: names },
  });
}

function refuseType(check: Check, { name, type }: WrittenColumn, place: () => string): void {
  const isNumeric = ['integer', 'float', 'decimal'].includes(familyOf(type));
  if (['min', 'max', 'mean', 'psi'].includes(check.type) && !isNumeric) {
    throw new AppError('SPEC_INVALID', `${place()}: ${name} is ${type}, and ${check.type} needs numbers`, {
      hint: 'choose a column of numbers, or check it with notNull, accepted or distinct',
    });
  }
  if (check.type !== 'accepted' || !isNumeric) return;
  const other = check.values.find((value) => typeof value !== 'number');
  if (other === undefined) return;
  throw new AppError('SPEC_INVALID', `${place()}: ${name} is ${type}, and ${JSON.stringify(other)} is no number`, {
    hint: 'write values as they are in the column',
  });
}
