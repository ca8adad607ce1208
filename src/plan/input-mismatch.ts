import { AppError } from '../core/errors.ts';
import { nearest } from '../core/suggest.ts';
import type { TensorSignature } from '../model/contract.ts';

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

export function missingColumn(location: string, name: string, names: readonly string[]): AppError {
  return new AppError('COLUMN_MISSING', `${location}: column ${name} is not in the dataset`, {
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
