import { AppError, assertNever } from '../core/errors.ts';
import { nearest } from '../core/suggest.ts';
import type { ModelSignature, TensorSignature, TensorType } from './contract.ts';
import { hasKnownRank, unknownRankShape } from './onnx-type.ts';

/** What is done to the inner dimensions of an output, one row at a time; reductions work on the last dimension. */
export type OutputStep =
  | { readonly type: 'index'; readonly index: number }
  | { readonly type: 'argmax' }
  | { readonly type: 'max' }
  | { readonly type: 'softmax' };

/** `softmax(scores)[1]` is the output `scores` with the steps softmax, then index 1. */
export interface OutputExpression {
  readonly source: string;
  readonly steps: readonly OutputStep[];
}

/** One column of predictions: which output it comes from, and how. */
export interface OutputColumn extends OutputExpression {
  readonly name: string;
  /** Element type of the output that it comes from. */
  readonly sourceType: TensorType;
  /** Element type of the column. */
  readonly type: TensorType;
  /** Dimensions of one row's value as the model declares them; strings are free, `['...']` is an unknown rank. */
  readonly innerShape: readonly (number | string)[];
}

/** A value on its way through the steps of an expression. */
type Declared = Pick<OutputColumn, 'type' | 'innerShape'>;

const outputFunctions = ['argmax', 'max', 'softmax'] as const;
type OutputFunction = (typeof outputFunctions)[number];

/**
 * Reads `name`, `name[i]`, `name[i][j]`, `argmax(name)`, `max(name)`, `softmax(name)`, `softmax(name)[i]` and what
 * else these combine to. A name that has spaces, brackets or quotes is written in double quotes, with `\"` and `\\`.
 * @throws AppError MODEL_OUTPUT_MISMATCH that names the character (1-based) and what was expected there.
 */
export function parseOutputExpression(text: string): OutputExpression {
  const cursor: Cursor = { text, position: 0 };
  const expression = expressionAt(cursor);
  if (cursor.position < text.length) throw unexpected(cursor, 'a "[" or the end');
  return expression;
}

/** Where the parser is; moves on as tokens are taken. */
interface Cursor {
  readonly text: string;
  position: number;
}

function expressionAt(cursor: Cursor): OutputExpression {
  skipSpace(cursor);
  let expression = primaryAt(cursor);
  skipSpace(cursor);
  while (cursor.text[cursor.position] === '[') {
    expression = withStep(expression, { type: 'index', index: indexAt(cursor) });
    skipSpace(cursor);
  }
  return expression;
}

function primaryAt(cursor: Cursor): OutputExpression {
  if (cursor.text[cursor.position] === '"') return { source: quotedNameAt(cursor), steps: [] };
  const start = cursor.position;
  const name = take(cursor, /[^\s()[\]"]+/y);
  if (name === undefined) throw unexpected(cursor, 'the name of an output');
  skipSpace(cursor);
  if (cursor.text[cursor.position] !== '(') return { source: name, steps: [] };
  const type = outputFunctions.find((known) => known === name);
  if (type === undefined) {
    cursor.position = start;
    throw unexpected(
      cursor,
      `${outputFunctions.join(', ')} before a "("`,
      `the functions are ${outputFunctions.join(', ')}; the name of an output that has brackets goes in double quotes`,
    );
  }
  return callAt(cursor, type);
}

function callAt(cursor: Cursor, type: OutputFunction): OutputExpression {
  cursor.position += 1;
  const operand = expressionAt(cursor);
  if (take(cursor, /\)/y) === undefined) throw unexpected(cursor, 'a ")"');
  return withStep(operand, { type });
}

function indexAt(cursor: Cursor): number {
  cursor.position += 1;
  skipSpace(cursor);
  const digits = take(cursor, /\d{1,9}(?!\d)/y);
  if (digits === undefined) throw unexpected(cursor, 'a zero-based index');
  skipSpace(cursor);
  if (take(cursor, /\]/y) === undefined) throw unexpected(cursor, 'a "]"');
  return Number(digits);
}

function quotedNameAt(cursor: Cursor): string {
  const quoted = take(cursor, /"(?:[^"\\]|\\["\\])+"/y);
  if (quoted !== undefined) return quoted.slice(1, -1).replaceAll(/\\(["\\])/g, '$1');
  throw unexpected(cursor, 'a name between double quotes, in which \\" and \\\\ are the only escapes');
}

function withStep({ source, steps }: OutputExpression, step: OutputStep): OutputExpression {
  return { source, steps: [...steps, step] };
}

function skipSpace(cursor: Cursor): void {
  take(cursor, /\s*/y);
}

/** Takes what the sticky pattern matches at the cursor. */
function take(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.position;
  const match = pattern.exec(cursor.text)?.[0];
  if (match !== undefined) cursor.position += match.length;
  return match;
}

function unexpected({ text, position }: Cursor, expected: string, hint?: string): AppError {
  const found = position < text.length ? JSON.stringify(text.slice(position, position + 12)) : 'the end';
  return mismatch(
    `output expression ${JSON.stringify(text)}, character ${position + 1}: expected ${expected}, found ${found}`,
    hint ?? "write an output's name, name[0], argmax(name), max(name), softmax(name) or softmax(name)[1]",
    { text, position, expected },
  );
}

/** The expression as text that parses to it again. */
export function outputExpressionText({ source, steps }: OutputExpression): string {
  return steps.reduce(
    (text, step) => (step.type === 'index' ? `${text}[${step.index}]` : `${step.type}(${text})`),
    nameText(source),
  );
}

function nameText(name: string): string {
  return /^[^\s()[\]"]+$/.test(name) ? name : `"${name.replaceAll(/["\\]/g, '\\$&')}"`;
}

/**
 * Matches the columns that a job asks for (name → expression) with a model's outputs. Without `columns`, each tensor
 * output becomes a column of its name.
 * The first dimension is the batch whatever is declared: LightGBM exports declare `[1]` and give `[rows]`.
 * @throws AppError MODEL_OUTPUT_MISMATCH when an output does not exist, is no tensor, or has no such element;
 * `details.column` names the column.
 */
export function resolveOutputColumns(options: {
  readonly columns?: Readonly<Record<string, string>> | undefined;
  readonly signature: ModelSignature;
}): readonly OutputColumn[] {
  const { columns, signature } = options;
  const texts: readonly (readonly [string, string])[] =
    columns === undefined ? tensorsOf(signature).map(({ name }) => [name, nameText(name)]) : Object.entries(columns);
  const resolved = texts.map(([name, text]) => resolveColumn(name, text, signature));
  if (resolved.length > 0) return resolved;
  const problem = columns === undefined ? 'the model has no tensor output' : 'no output column is named';
  throw mismatch(problem, availableHint(signature));
}

function resolveColumn(name: string, text: string, signature: ModelSignature): OutputColumn {
  try {
    const { source, steps } = parseOutputExpression(text);
    const output = tensorNamed(source, signature);
    let declared: Declared = {
      type: output.type,
      innerShape: hasKnownRank(output.shape) ? output.shape.slice(1) : unknownRankShape,
    };
    for (const [i, step] of steps.entries()) {
      const operand = outputExpressionText({ source, steps: steps.slice(0, i) });
      declared = declaredAfter(step, declared, (problem) =>
        mismatch(`${operand} ${problem}`, `the model declares ${tensorText(output)}`),
      );
    }
    return { name, source, steps, sourceType: output.type, ...declared };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw mismatch(error.message, error.hint, { ...error.details, column: name });
  }
}

/** @param fail makes an error of what is wrong with the step. */
function declaredAfter(
  step: OutputStep,
  { type, innerShape }: Declared,
  fail: (problem: string) => AppError,
): Declared {
  const action = step.type === 'index' ? `[${step.index}]` : step.type;
  if (innerShape.length === 0) throw fail(`has one value a row, so ${action} has nothing to work on`);
  const isRankKnown = hasKnownRank(innerShape);
  switch (step.type) {
    case 'index': {
      const [size] = innerShape;
      if (typeof size === 'number' && step.index >= size) {
        throw fail(`has ${size} elements a row, counted from 0, so there is no ${action}`);
      }
      return { type, innerShape: isRankKnown ? innerShape.slice(1) : innerShape };
    }
    case 'argmax':
    case 'max':
      if (type === 'string') throw fail(`holds strings, which have no ${action}`);
      return {
        type: step.type === 'argmax' ? 'int64' : type,
        innerShape: isRankKnown ? innerShape.slice(0, -1) : innerShape,
      };
    case 'softmax':
      if (!type.startsWith('float')) throw fail(`holds ${type}, and softmax needs floating-point numbers`);
      return { type: type === 'float64' ? 'float64' : 'float32', innerShape };
    default:
      return assertNever(step);
  }
}

function tensorNamed(source: string, signature: ModelSignature): TensorSignature {
  const output = signature.outputs.find(({ name }) => name === source);
  if (output?.kind === 'tensor') return output;
  const available = availableHint(signature);
  if (output !== undefined) throw mismatch(`output ${source} is ${output.type}, which cannot be read`, available);
  const meant = nearest(
    source,
    tensorsOf(signature).map(({ name }) => name),
  );
  const hint = meant === undefined ? available : `did you mean ${nameText(meant)}? ${available}`;
  throw mismatch(`the model has no output ${JSON.stringify(source)}`, hint);
}

function tensorsOf(signature: ModelSignature): readonly TensorSignature[] {
  return signature.outputs.filter((output) => output.kind === 'tensor');
}

function availableHint(signature: ModelSignature): string {
  const tensors = tensorsOf(signature);
  if (tensors.length === 0) return 'export the model with at least one tensor output';
  return `outputs that can be read: ${tensors.map(tensorText).join(', ')}`;
}

function tensorText({ name, type, shape }: TensorSignature): string {
  return `${nameText(name)} ${type}[${shape.map((size) => (size === '' ? '?' : size)).join(', ')}]`;
}

function mismatch(message: string, hint: string | undefined, details: AppError['details'] = {}): AppError {
  return new AppError('MODEL_OUTPUT_MISMATCH', message, hint === undefined ? { details } : { hint, details });
}
