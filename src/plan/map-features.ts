import type { AppError } from '../core/errors.ts';
import { castability, familyOf, listItem, rangeFits } from '../dataset/column-type.ts';
import { type ColumnSchema, type NullPolicy, sizeOf } from '../dataset/contract.ts';
import type { TensorSignature } from '../model/contract.ts';
import type { FeatureSpec } from '../spec/job-spec.ts';
import { inputMismatch, type Mistake, namedColumn, shown, suggestion, unknownRank } from './input-mismatch.ts';
import { mapImage } from './map-image.ts';
import { filledInputs, mapTexts } from './map-text.ts';
import type { PlanInput } from './plan-input.ts';
import type { PlanFeature, PlanImage } from './run-plan.ts';

export interface FeatureMapping {
  readonly features: readonly PlanFeature[];
  readonly images: readonly PlanImage[];
  readonly fixedBatchRows: number | undefined;
}

/** Inputs of models that take texts. */
const tokenNames: ReadonlySet<string> = new Set(['input_ids', 'attention_mask', 'token_type_ids']);

/** One model input, and what the job says about it. */
interface InputMapping {
  readonly plan: PlanInput;
  readonly signature: TensorSignature;
  readonly given: FeatureSpec | undefined;
}

/**
 * Which columns fill which model input: as the job says, else by name.
 * @throws AppError COLUMN_MISSING, MODEL_INPUT_MISMATCH with the place in the spec
 */
export function mapFeatures(plan: PlanInput): FeatureMapping {
  const inputs = plan.model.facts.signature.inputs;
  const names = inputs.map((value) => value.name);
  for (const [name, feature] of Object.entries(plan.job.features ?? {})) {
    if (names.includes(name) || 'tokenizer' in feature) continue;
    throw inputMismatch(plan.locate(['features', name]), {
      problem: `the model has no input ${name}; it has ${names.join(', ')}`,
      hint: suggestion(name, names),
    });
  }
  const signatures = inputs.map((value) => {
    if (value.kind === 'tensor') return value;
    throw inputMismatch(plan.locate(['features']), {
      problem: `model input ${value.name} is ${value.type}, which columns cannot fill`,
      hint: 'export the model with tensor inputs',
    });
  });
  const texts = mapTexts(plan, signatures);
  const filled = new Set(texts.flatMap(({ text }) => (text === undefined ? [] : filledInputs(text))));
  const features: PlanFeature[] = [];
  const images: PlanImage[] = [];
  for (const signature of signatures.filter(({ name }) => !filled.has(name))) {
    const given = plan.job.features?.[signature.name];
    if (given !== undefined && 'image' in given) images.push(mapImage({ plan, signature, image: given.image }));
    // A text has a name of its own choice, which may be that of an input that it does not fill.
    else
      features.push(
        mapInput({ plan, signature, given: given !== undefined && 'tokenizer' in given ? undefined : given }),
      );
  }
  return {
    features: [...features, ...texts],
    images,
    fixedBatchRows: fixedBatchRows(plan, signatures),
  };
}

function fixedBatchRows(plan: PlanInput, signatures: readonly TensorSignature[]): number | undefined {
  const sizes = signatures.flatMap(({ shape: [batch] }) => (typeof batch === 'number' ? batch : []));
  const [first] = sizes;
  const other = sizes.find((size) => size !== first);
  if (other === undefined) return first;
  throw inputMismatch(plan.locate(['features']), {
    problem: `model inputs fix different batch sizes, ${first} and ${other}`,
    hint: 'export the model with a free batch dimension',
  });
}

function mapInput(mapping: InputMapping): PlanFeature {
  const { signature, given } = mapping;
  const columns = (given?.columns ?? [signature.name]).map((name, index) => findColumn(mapping, name, index));
  const nulls = nullPolicy(mapping);
  for (const [index, column] of columns.entries()) checkColumn(mapping, column, { index, count: columns.length });
  const innerShape = resolveShape(mapping, columns);
  return {
    input: signature.name,
    columns: columns.map(({ name, type, nullCount, range }) => ({
      name,
      type,
      nullFree: nullCount === 0,
      fits: rangeFits({ type, range }, signature.type),
    })),
    element: signature.type,
    innerShape,
    nulls,
  };
}

function findColumn(mapping: InputMapping, name: string, index: number): ColumnSchema {
  const { plan, signature, given } = mapping;
  const isThere = plan.dataset.columns.some((column) => column.name === name);
  if (!isThere && given === undefined) {
    const names = plan.dataset.columns.map((column) => column.name).slice(0, 3);
    const text = plan.dataset.columns.find(({ type }) => familyOf(type) === 'text');
    const textHint =
      text === undefined
        ? 'texts fill it, and the dataset has no column of texts (VARCHAR)'
        : `texts fill it: features: { text: { column: ${text.name}, tokenizer: tokenizer.json } }`;
    throw mismatch(mapping, [], {
      problem: `model input ${shown(signature)} has no column of its name`,
      hint: tokenNames.has(signature.name)
        ? textHint
        : `name its columns: features: { ${signature.name}: [${names.join(', ')}] }`,
    });
  }
  return namedColumn(plan, name, place(mapping, ['columns', index]));
}

function nullPolicy(mapping: InputMapping): NullPolicy {
  const { signature, given } = mapping;
  const nulls = given?.nulls ?? 'reject';
  if (nulls === 'reject') return 'reject';
  const isFloat = signature.type.startsWith('float');
  if (nulls === 'nan') {
    if (isFloat) return 'nan';
    throw mismatch(mapping, ['nulls'], {
      problem: `${signature.type} has no NaN, so nulls of ${signature.name} cannot become one`,
      hint: 'use reject or a value',
    });
  }
  if (signature.type === 'string') return { value: String(nulls) };
  const value = typeof nulls === 'string' ? numberIn(nulls) : nulls;
  if (canHold(signature, Number(value))) return { value };
  throw mismatch(mapping, ['nulls'], {
    problem: `${JSON.stringify(nulls)} is no ${signature.type}`,
    hint: 'use reject, or a value that the model input can hold',
  });
}

/** NaN for a text without a number, of which `Number` makes 0 when it is blank. */
function numberIn(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}

function canHold({ type }: TensorSignature, value: number): boolean {
  if (Number.isNaN(value)) return false;
  if (type.startsWith('float')) return true;
  if (type === 'bool') return value === 0 || value === 1;
  return Number.isInteger(value) && rangeFits({ type: 'BIGINT', range: { min: value, max: value } }, type);
}

function checkColumn(
  mapping: InputMapping,
  column: ColumnSchema,
  { index, count }: { readonly index: number; readonly count: number },
): void {
  const { type: element } = mapping.signature;
  const isList = familyOf(column.type) === 'list';
  if (isList && count > 1) {
    throw mismatch(mapping, ['columns', index], {
      problem: `column ${column.name} is a list (${column.type}), and a list fills an input alone`,
      hint: 'give the list column only',
    });
  }
  const type = isList ? listItem(column.type).item : column.type;
  if (castability(type, element) !== 'never') return;
  throw mismatch(mapping, ['columns', index], {
    problem: `column ${column.name} is ${column.type}, which cannot become ${element}`,
    hint: 'choose another column, or cast it where the dataset is made',
  });
}

/** Fills the free dimensions after the first from the columns at hand, and checks the fixed ones. */
function resolveShape(mapping: InputMapping, columns: readonly ColumnSchema[]): readonly number[] {
  const { plan, signature } = mapping;
  const inner = signature.shape.slice(1);
  const [first] = columns;
  const isList = first !== undefined && familyOf(first.type) === 'list';
  const dims = isList ? (plan.listShapes.get(first.name) ?? []) : [columns.length];
  const isKnown = !isList || dims.length > 0;
  if (isKnown && signature.shape[0] === unknownRank) return dims;
  if (inner.length === dims.length && inner.every((dim, index) => typeof dim === 'string' || dim === dims[index]))
    return dims;
  const fixed = sizeOf(inner.filter((dim) => typeof dim === 'number'));
  const freeCount = inner.filter((dim) => typeof dim === 'string').length;
  if (freeCount === 0 && (!isKnown || fixed === sizeOf(dims))) return inner.filter((dim) => typeof dim === 'number');
  if (freeCount === 1 && isKnown && fixed > 0 && sizeOf(dims) % fixed === 0) {
    return inner.map((dim) => (typeof dim === 'number' ? dim : sizeOf(dims) / fixed));
  }
  const have = isList
    ? `column ${first.name} holds lists of ${dims.length === 0 ? 'unknown length' : dims.join(' × ')}`
    : `${columns.length} column${columns.length === 1 ? ' is' : 's are'} given`;
  const wanted = inner.length === 0 ? 1 : inner.map((dim) => (dim === '' ? '?' : dim)).join(' × ');
  throw mismatch(mapping, ['columns'], {
    problem: `model input ${shown(signature)} wants ${wanted} value${wanted === 1 ? '' : 's'} a row, but ${have}`,
    hint: 'give as many columns as the input is wide, in the order of training',
  });
}

/** @param inFeature where under `features.<input>`; an input that the job does not name has no place of its own */
function mismatch(mapping: InputMapping, inFeature: readonly (string | number)[], mistake: Mistake): AppError {
  return inputMismatch(place(mapping, inFeature), mistake);
}

function place({ plan, signature, given }: InputMapping, inFeature: readonly (string | number)[]): string {
  return plan.locate(given === undefined ? ['features'] : ['features', signature.name, ...inFeature]);
}
