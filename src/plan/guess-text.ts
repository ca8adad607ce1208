import type { ModelSignature, TensorSignature } from '../model/contract.ts';
import { type ColumnLook, canFillAlone, isKey, isLabel, isTextType } from './guess-columns.ts';

/** The model inputs that a text fills, and the column that is probably it. */
export interface TextGuess {
  readonly inputs: readonly TensorSignature[];
  readonly column: ColumnLook;
  readonly comment: string;
}

const tokenInputs = ['input_ids', 'attention_mask', 'token_type_ids'];

/** Whether a model takes tokens that no column has: then its longest texts are likely what it is for. */
export function guessText(signature: ModelSignature, columns: readonly ColumnLook[]): TextGuess | undefined {
  const inputs = signature.inputs.flatMap((input) =>
    input.kind === 'tensor' && tokenInputs.includes(input.name) && takesTokens(input) ? [input] : [],
  );
  const ids = inputs.find(({ name }) => name === 'input_ids');
  const isThere = columns.some((column) => column.name === ids?.name && canFillAlone(column, ids));
  if (ids === undefined || isThere) return undefined;
  const texts = columns.filter(({ type, isAllNull }) => isTextType(type) && !isAllNull);
  const likely = texts.filter((column) => !isKey(column) && !isLabel(column, signature));
  const [column, ...others] = (likely.length === 0 ? texts : likely).toSorted(
    (a, b) => (b.meanLength ?? 0) - (a.meanLength ?? 0),
  );
  if (column === undefined) return undefined;
  const length = `${Math.round(column.meanLength ?? 0)} characters on average`;
  const comment =
    others.length === 0
      ? `Its tokens fill ${inputs.map(({ name }) => name).join(', ')}; ${column.name} is the only text, ${length}.`
      : `CHECK: ${column.name} has the longest texts, ${length}; other texts are ${others.map(({ name }) => name).join(', ')}.`;
  return { inputs, column, comment };
}

function takesTokens({ type, shape }: TensorSignature): boolean {
  return (type === 'int64' || type === 'int32') && shape.length === 2;
}
