import { AppError } from '../core/errors.ts';
import type { ModelSignature, TensorSignature } from '../model/contract.ts';
import { type OutputColumn, resolveOutputColumns } from '../model/output-expression.ts';
import { outputExpressionText } from '../model/output-step.ts';
import { filledInputs } from './map-text.ts';
import type { PlanInput } from './plan-input.ts';
import type { PlanFeature, TextPlan } from './run-plan.ts';

/** How the positions of texts are called where the model does not say. */
const unnamed = 'positions';

/** Columns that a hint spells out at most. */
const mostShown = 4;

/**
 * Refuses output columns of texts that have a value for each token: no table has a type for lists of another length in
 * each batch, so that scoring would fail. Where all texts are padded to one length, there are none.
 * @throws AppError MODEL_OUTPUT_MISMATCH with the place in the spec
 */
export function refuseVariable({ job, model, locate }: PlanInput, features: readonly PlanFeature[]): void {
  const { columns } = job.output;
  for (const { text } of features) {
    if (text === undefined || text.fixedLength !== undefined) continue;
    const { signature } = model.facts;
    const axes = positionAxes(text, signature);
    const named = { ...signature, outputs: signature.outputs.map((output) => withNamedPositions(output, axes)) };
    const outputs = resolveOutputColumns({ columns, signature: named });
    const isVariable = ({ innerShape }: OutputColumn) => innerShape.some((dim) => axes.has(dim));
    const variable = outputs.find(isVariable);
    if (variable === undefined) continue;
    const place = locate(['output', ...(columns === undefined ? [] : ['columns', variable.name])]);
    const shape = `[${variable.innerShape.map((dim) => (dim === '' ? '?' : dim)).join(', ')}]`;
    const reduced = outputs.flatMap((column) => (isVariable(column) ? pooled(column, { named, text }) : column));
    throw new AppError(
      'MODEL_OUTPUT_MISMATCH',
      `${place}: ${outputExpressionText(variable)} has ${shape} a row, which is as long as each text`,
      { hint: columns === undefined ? wholeHint(reduced) : columnHint(pooled(variable, { named, text })) },
    );
  }
}

/** The names of the dimension that has the tokens of a text. */
function positionAxes(text: TextPlan, { inputs }: ModelSignature): ReadonlySet<number | string> {
  const filled = filledInputs(text);
  const axes = inputs.flatMap((input) =>
    input.kind === 'tensor' && filled.includes(input.name) ? (input.shape[1] ?? '') : [],
  );
  const names = axes.filter((axis) => axis !== '');
  return new Set(names.length === 0 ? [unnamed] : names);
}

/** A dimension without a name may be anything, but before the values of a token it is the tokens'. */
function withNamedPositions<T extends ModelSignature['outputs'][number]>(
  output: T,
  axes: ReadonlySet<number | string>,
): T | TensorSignature {
  if (output.kind !== 'tensor' || output.shape.length < 3 || output.shape[1] !== '') return output;
  const [name = unnamed] = axes;
  return { ...output, shape: output.shape.map((dim, index) => (index === 1 ? name : dim)) };
}

interface Pooling {
  readonly named: ModelSignature;
  readonly text: TextPlan;
}

type Written = Pick<OutputColumn, 'name' | 'source' | 'steps'>;

/** A column's output with one value, or one vector, for a text: what can be told without knowing what it is for. */
function pooled({ name, source }: Written, { named, text: { mask } }: Pooling): Written | readonly [] {
  const output = named.outputs.find((candidate) => candidate.name === source);
  if (output?.kind !== 'tensor' || output.shape.length !== 3) return [];
  const isMean = mask !== undefined && output.type.startsWith('float');
  return { name, source, steps: [isMean ? { type: 'meanPool', mask: mask.name } : { type: 'cls' }] };
}

function columnHint(column: Written | readonly []): string {
  if (!('source' in column)) return padding;
  const cls = outputExpressionText({ source: column.source, steps: [{ type: 'cls' }] });
  const mean = outputExpressionText(column);
  return `reduce it to one vector a text: ${mean === cls ? cls : `${mean} or ${cls}`}, or ${padding}`;
}

function wholeHint(columns: readonly Written[]): string {
  if (columns.length === 0) return padding;
  const entries = columns.slice(0, mostShown).map((column) => {
    const name = /^[a-z_]\w*$/i.test(column.name) ? column.name : JSON.stringify(column.name);
    const text = outputExpressionText(column);
    return `${name}: ${/^[a-z_][\w.()]*$/i.test(text) ? text : JSON.stringify(text)}`;
  });
  return `reduce it to one vector a text: output: { path: …, columns: { ${entries.join(', ')} } }`;
}

const padding = 'pad all texts to one length with padding: maxLength';
