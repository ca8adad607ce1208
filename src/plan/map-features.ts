import { AppError } from '../core/errors.ts';
import { nearest } from '../core/suggest.ts';
import { castability, familyOf, listItem, rangeFits } from '../dataset/column-type.ts';
import { type ColumnSchema, type NullPolicy, sizeOf } from '../dataset/contract.ts';
import type { TensorSignature } from '../model/contract.ts';
import type { Locate, PlanInput } from './plan-input.ts';
import type { PlanFeature } from './run-plan.ts';

export interface FeatureMapping {
  readonly features: readonly PlanFeature[];
  readonly fixedBatchRows: number | undefined;
}

/**
 * Which columns fill which model input: as the job says, else by name.
 * @throws AppError COLUMN_MISSING, MODEL_INPUT_MISMATCH with the place in the spec
 */
export function mapFeatures(input: PlanInput): FeatureMapping {
  const inputs = input.model.facts.signature.inputs;
  const names = inputs.map((value) => value.name);
  for (const name of Object.keys(input.job.features ?? {})) {
    if (names.includes(name)) continue;
    throw mismatch(
      input,
      ['features', name],
      `the model has no input ${name}; it has ${names.join(', ')}`,
      suggestion(name, names),
    );
  }
  let fixedBatchRows: number | undefined;
  const features = inputs.map((value) => {
    if (value.kind === 'other')
      throw mismatch(
        input,
        ['features'],
        `model input ${value.name} is ${value.type}, which columns cannot fill`,
        'export the model with tensor inputs',
      );
    const [batch] = value.shape;
    if (typeof batch === 'number') {
      if (fixedBatchRows !== undefined && fixedBatchRows !== batch)
        throw mismatch(
          input,
          ['features'],
          `model inputs fix different batch sizes, ${fixedBatchRows} and ${batch}`,
          'export the model with a free batch dimension',
        );
      fixedBatchRows = batch;
    }
    return mapInput(input, value);
  });
  return { features, fixedBatchRows };
}

function mapInput(input: PlanInput, signature: TensorSignature): PlanFeature {
  const given = input.job.features?.[signature.name];
  const path = given === undefined ? ['features'] : ['features', signature.name, 'columns'];
  const columns = (given?.columns ?? [signature.name]).map((name) =>
    findColumn(input, signature, name, given === undefined),
  );
  const nulls = nullPolicy(input, signature, given?.nulls ?? 'reject');
  for (const column of columns) checkCast(input, path, signature, column, columns.length);
  const innerShape = resolveShape(input, path, signature, columns);
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

function findColumn(input: PlanInput, signature: TensorSignature, name: string, isByName: boolean): ColumnSchema {
  const names = input.dataset.columns.map((column) => column.name);
  const found = input.dataset.columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  if (isByName) {
    throw mismatch(
      input,
      ['features'],
      `model input ${shown(signature)} has no column of its name`,
      `name its columns: features: { ${signature.name}: [${names.slice(0, 3).join(', ')}] }`,
    );
  }
  throw new AppError(
    'COLUMN_MISSING',
    `${input.locate(['features', signature.name, 'columns'])}: column ${name} is not in the dataset`,
    {
      hint: suggestion(name, names),
      details: { column: name, columns: names },
    },
  );
}

function nullPolicy(input: PlanInput, signature: TensorSignature, given: string | number | boolean): NullPolicy {
  if (given === 'reject') return 'reject';
  const isFloat = signature.type.startsWith('float');
  const path = ['features', signature.name, 'nulls'];
  if (given === 'nan') {
    if (isFloat) return 'nan';
    throw mismatch(
      input,
      path,
      `${signature.type} has no NaN, so nulls of ${signature.name} cannot become one`,
      'use reject or a value',
    );
  }
  if (signature.type === 'string') return { value: String(given) };
  const value = typeof given === 'string' ? Number(given) : given;
  const number = Number(value);
  if (
    Number.isNaN(number) ||
    (!isFloat && !Number.isInteger(number)) ||
    (signature.type === 'bool' && number !== 0 && number !== 1)
  ) {
    throw mismatch(
      input,
      path,
      `${JSON.stringify(given)} is no ${signature.type}`,
      'use reject, or a value that the model input can hold',
    );
  }
  return { value };
}

function checkCast(
  input: PlanInput,
  path: readonly string[],
  signature: TensorSignature,
  column: ColumnSchema,
  columnCount: number,
): void {
  const isList = familyOf(column.type) === 'list';
  if (isList && columnCount > 1)
    throw mismatch(
      input,
      path,
      `column ${column.name} is a list (${column.type}), and a list fills an input alone`,
      'give the list column only',
    );
  const type = isList ? listItem(column.type).item : column.type;
  if (castability(type, signature.type) !== 'never') return;
  throw mismatch(
    input,
    path,
    `column ${column.name} is ${column.type}, which cannot become ${signature.type}`,
    'choose another column, or cast it where the dataset is made',
  );
}

/** Fills the free dimensions after the first from the columns at hand, and checks the fixed ones. */
function resolveShape(
  input: PlanInput,
  path: readonly string[],
  signature: TensorSignature,
  columns: readonly ColumnSchema[],
): readonly number[] {
  const inner = signature.shape.slice(1);
  const [first] = columns;
  const isList = first !== undefined && familyOf(first.type) === 'list';
  const dims = isList ? (input.listShapes.get(first.name) ?? []) : [columns.length];
  const isKnown = !isList || dims.length > 0;
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
    : `${columns.length} column${columns.length === 1 ? '' : 's'} ${columns.length === 1 ? 'is' : 'are'} given`;
  throw mismatch(
    input,
    path,
    `model input ${shown(signature)} wants ${inner.length === 0 ? 1 : inner.map((dim) => (dim === '' ? '?' : dim)).join(' × ')} values a row, but ${have}`,
    'give as many columns as the input is wide, in the order of training',
  );
}

export function shown(signature: TensorSignature): string {
  const dims = signature.shape.map((dim, index) =>
    typeof dim === 'number' ? dim : dim === '' ? (index === 0 ? 'N' : '?') : dim,
  );
  return `${signature.name} ${signature.type}[${dims.join(', ')}]`;
}

function suggestion(name: string, candidates: readonly string[]): string {
  const near = nearest(name, candidates);
  return near === undefined
    ? `choose from ${candidates.slice(0, 12).join(', ')}${candidates.length > 12 ? ', …' : ''}`
    : `did you mean ${near}?`;
}

function mismatch(
  input: { readonly locate: Locate },
  path: readonly (string | number)[],
  problem: string,
  hint: string,
): AppError {
  return new AppError('MODEL_INPUT_MISMATCH', `${input.locate(path)}: ${problem}`, { hint });
}
