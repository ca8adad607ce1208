import { AppError } from '../core/errors.ts';
import type { ModelSignature, TensorSignature } from '../model/contract.ts';
import { type ColumnLook, canFillAlone, isKey, isLabel, isTextType, plainName } from './guess-columns.ts';
import { shown } from './input-mismatch.ts';

/** The model inputs that a text fills, and the column that is probably it. */
export interface TextGuess {
  readonly inputs: readonly TensorSignature[];
  readonly column: ColumnLook;
  readonly comment: string;
}

const tokenInputs = ['input_ids', 'attention_mask', 'token_type_ids'];

/**
 * Whether a model takes tokens that no column has: then its longest texts are likely what it is for.
 * @throws AppError MODEL_INPUT_MISMATCH where there is no text
 */
export function guessText(signature: ModelSignature, columns: readonly ColumnLook[]): TextGuess | undefined {
  const inputs = signature.inputs.flatMap((input) =>
    input.kind === 'tensor' && tokenInputs.includes(input.name) && takesTokens(input) ? [input] : [],
  );
  const ids = inputs.find(({ name }) => name === 'input_ids');
  if (ids === undefined) return undefined;
  const isIds = (column: ColumnLook) => plainName(column.name) === plainName(ids.name) && canFillAlone(column, ids);
  if (columns.some(isIds)) return undefined;
  const texts = columns.filter(({ type, isAllNull }) => isTextType(type) && !isAllNull);
  const likely = texts.filter((column) => !isKey(column) && !isLabel(column, signature));
  const [column, ...others] = (likely.length === 0 ? texts : likely).toSorted(
    (a, b) => (b.meanLength ?? 0) - (a.meanLength ?? 0),
  );
  if (column === undefined) throw noText(ids, columns);
  const length = `${Math.round(column.meanLength ?? 0)} characters on average`;
  const comment =
    others.length === 0
      ? `Its tokens fill ${inputs.map(({ name }) => name).join(', ')}; ${column.name} is the only text, ${length}.`
      : `CHECK: ${column.name} has the longest texts, ${length}; other texts are ${others.map(({ name }) => name).join(', ')}.`;
  return { inputs, column, comment };
}

function noText(ids: TensorSignature, columns: readonly ColumnLook[]): AppError {
  return new AppError(
    'MODEL_INPUT_MISMATCH',
    `model input ${shown(ids)} takes the tokens of texts, and no column of the dataset is a text (VARCHAR)`,
    {
      hint: `name a dataset with a column of texts, or with token ids in a column of lists called ${ids.name}`,
      details: { input: ids.name, columns: columns.map(({ name }) => name) },
    },
  );
}

function takesTokens({ type, shape }: TensorSignature): boolean {
  return (type === 'int64' || type === 'int32') && shape.length === 2;
}
