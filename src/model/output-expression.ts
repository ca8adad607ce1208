import { AppError } from '../core/errors.ts';
import { nearest } from '../core/suggest.ts';
import type { ModelSignature, TensorSignature, TensorType } from './contract.ts';
import { hasKnownRank, unknownRankShape } from './onnx-type.ts';
import { nameText, type OutputExpression, outputExpressionText } from './output-step.ts';
import { type Declared, declaredAfter, type Misfit } from './output-types.ts';
import { parseExpression, type WrittenExpression } from './parse-expression.ts';

/** One column of predictions: which output it comes from, and how. */
export interface OutputColumn extends OutputExpression, Declared {
  readonly name: string;
  /** Element type of the output that it comes from. */
  readonly sourceType: TensorType;
  /** What `label(…, FILE)` reads, by the file as the expression names it. */
  readonly labels?: Labels | undefined;
}

/** Of files of labels, by their names: index → text. */
export type Labels = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * Matches the columns that a job asks for (name → expression) with a model's outputs. Without `columns`, each tensor
 * output becomes a column of its name.
 * The first dimension is the batch whatever is declared: LightGBM exports declare `[1]` and give `[rows]`.
 * @throws AppError MODEL_OUTPUT_MISMATCH when an output does not exist, is no tensor, or has no such element;
 * `details` name the column, and the place in the text of its expression.
 */
export function resolveOutputColumns(options: {
  readonly columns?: Readonly<Record<string, string>> | undefined;
  readonly signature: ModelSignature;
  readonly labels?: Labels | undefined;
}): readonly OutputColumn[] {
  const { columns, signature, labels } = options;
  const texts: readonly (readonly [string, string])[] =
    columns === undefined ? tensorsOf(signature).map(({ name }) => [name, nameText(name)]) : Object.entries(columns);
  const resolved = texts.map(([name, text]) => {
    const column = inColumn(name, () => resolveExpression(text, signature));
    return { name, ...column, ...(labels === undefined ? {} : { labels }) };
  });
  if (resolved.length > 0) return resolved;
  const problem = columns === undefined ? 'the model has no tensor output' : 'no output column is named';
  throw mismatch(problem, availableHint(signature));
}

/** A file that an output column takes labels from. */
export interface LabelFile {
  readonly column: string;
  readonly file: string;
  /** Where the expression names it, from 0. */
  readonly position: number;
  readonly text: string;
}

/**
 * The files of labels that columns (name → expression) name, each one once.
 * @throws AppError MODEL_OUTPUT_MISMATCH for an expression that cannot be read
 */
export function labelFiles(columns: Readonly<Record<string, string>>): readonly LabelFile[] {
  const found = new Map<string, LabelFile>();
  for (const [column, text] of Object.entries(columns)) {
    const { steps, stepsAt } = inColumn(column, () => parseExpression(text));
    for (const [i, step] of steps.entries()) {
      if (step.type !== 'label' || found.has(step.file)) continue;
      found.set(step.file, { column, file: step.file, position: stepsAt[i]?.argumentAt ?? 0, text });
    }
  }
  return [...found.values()];
}

/** Errors of `read` say which column they are about. */
function inColumn<T>(column: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw mismatch(error.message, error.hint, { ...error.details, column });
  }
}

function resolveExpression(text: string, signature: ModelSignature): Omit<OutputColumn, 'name'> {
  const expression = parseExpression(text);
  const { source, steps, sourceAt, stepsAt } = expression;
  const output = tensorNamed(source, signature, { text, position: sourceAt });
  let value: Declared = {
    type: output.type,
    innerShape: hasKnownRank(output.shape) ? output.shape.slice(1) : unknownRankShape,
  };
  for (const [i, step] of steps.entries()) {
    const next = declaredAfter(step, value, signature);
    if ('problem' in next) {
      const place = stepsAt[i];
      const position = next.isArgument ? place?.argumentAt : place?.at;
      throw misfitError(next, { expression, operands: i, output, position: position ?? 0 });
    }
    value = next;
  }
  return { source, steps, sourceType: output.type, ...value };
}

interface MisfitPlace {
  readonly expression: WrittenExpression;
  /** Steps that went well. */
  readonly operands: number;
  readonly output: TensorSignature;
  readonly position: number;
}

function misfitError({ problem, hint }: Misfit, { expression, operands, output, position }: MisfitPlace): AppError {
  const { source, steps, text } = expression;
  const operand = outputExpressionText({ source, steps: steps.slice(0, operands) });
  return mismatch(`${operand} ${problem}`, hint ?? `the model declares ${tensorText(output)}`, { text, position });
}

function tensorNamed(source: string, signature: ModelSignature, place: AppError['details']): TensorSignature {
  const output = signature.outputs.find(({ name }) => name === source);
  if (output?.kind === 'tensor') return output;
  const available = availableHint(signature);
  if (output !== undefined)
    throw mismatch(`output ${source} is ${output.type}, which cannot be read`, available, place);
  const meant = nearest(
    source,
    tensorsOf(signature).map(({ name }) => name),
  );
  const hint = meant === undefined ? available : `did you mean ${nameText(meant)}? ${available}`;
  throw mismatch(`the model has no output ${JSON.stringify(source)}`, hint, place);
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
