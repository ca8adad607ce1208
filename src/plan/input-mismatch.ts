import { AppError } from '../core/errors.ts';
import { nearest } from '../core/suggest.ts';
import type { ColumnSchema } from '../dataset/contract.ts';
import type { TensorSignature } from '../model/contract.ts';
import type { PlanInput } from './plan-input.ts';

/** How a signature shows that not even the number of dimensions is declared. */
export const unknownRank = '...';

export interface Mistake {
  readonly problem: string;
  readonly hint: string;
}

/** @param location where it is written, as `Locate` gives it */
export function inputMismatch(location: string, { problem, hint }: Mistake): AppError {
  return new AppError('MODEL_INPUT_MISMATCH', `${location}: ${problem}`, { hint });
}

/** @throws AppError COLUMN_MISSING with the place that names the column */
export function namedColumn({ dataset }: Pick<PlanInput, 'dataset'>, name: string, location: string): ColumnSchema {
  const found = dataset.columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  const names = dataset.columns.map((column) => column.name);
  throw new AppError('COLUMN_MISSING', `${location}: column ${name} is not in the dataset`, {
    hint: suggestion(name, names),
    details: { column: name, columns: names },
  });
}

export function suggestion(name: string, candidates: readonly string[]): string {
  const near = nearest(name, candidates);
  return near === undefined
    ? `choose from ${candidates.slice(0, 12).join(', ')}${candidates.length > 12 ? ', …' : ''}`
    : `did you mean ${near}?`;
}

export function shown(signature: TensorSignature): string {
  const dims = signature.shape.map((dim, index) =>
    typeof dim === 'number' ? dim : dim === '' ? (index === 0 ? 'N' : '?') : dim,
  );
  return `${signature.name} ${signature.type}[${dims.join(', ')}]`;
}
