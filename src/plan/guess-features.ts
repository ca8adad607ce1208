import { AppError } from '../core/errors.ts';
import type { ModelFacts, TensorSignature } from '../model/contract.ts';
import {
  type ColumnLook,
  canFillAlone,
  canFillWithList,
  isKey,
  isLabel,
  looksLikeFeature,
  plainName,
  widthOf,
} from './guess-columns.ts';
import { takesPixels } from './guess-image.ts';
import { shown } from './input-mismatch.ts';

/** Which columns probably fill an input; a guess that equal names don't settle says so in its comments. */
export interface FeatureGuess {
  readonly input: TensorSignature;
  readonly columns: readonly ColumnLook[];
  readonly comments: readonly string[];
}

interface Guessing {
  readonly facts: ModelFacts;
  readonly columns: readonly ColumnLook[];
  /** Columns that fill an input already. */
  readonly used: Set<string>;
}

const maxNamesShown = 12;

/**
 * Fills every model input from a dataset's columns: by name, else by type and position.
 * @throws AppError MODEL_INPUT_MISMATCH when an input cannot be filled
 */
export function guessFeatures(facts: ModelFacts, columns: readonly ColumnLook[]): readonly FeatureGuess[] {
  const guessing: Guessing = { facts, columns, used: new Set() };
  const inputs = facts.signature.inputs.map((input) => {
    if (input.kind === 'tensor') return input;
    throw new AppError(
      'MODEL_INPUT_MISMATCH',
      `model input ${input.name} is ${input.type}, which columns cannot fill`,
      {
        hint: 'export the model with tensor inputs',
      },
    );
  });
  const named = new Map(inputs.map((input) => [input.name, guessByName(input, guessing)]));
  for (const guess of named.values()) for (const column of guess?.columns ?? []) guessing.used.add(column.name);
  return inputs.map((input) => {
    const guess = named.get(input.name) ?? guessByMetadata(input, guessing) ?? guessByType(input, guessing);
    for (const column of guess.columns) guessing.used.add(column.name);
    return guess;
  });
}

function guessByName(input: TensorSignature, { columns }: Guessing): FeatureGuess | undefined {
  const fitting = columns.filter((column) => canFillAlone(column, input));
  const same = fitting.find((column) => column.name === input.name);
  if (same !== undefined) return { input, columns: [same], comments: [] };
  const [similar, second] = fitting.filter((column) => plainName(column.name) === plainName(input.name));
  if (similar === undefined || second !== undefined) return undefined;
  const comments = [`${similar.name} is this input by its name, but for case and punctuation.`];
  return { input, columns: [similar], comments };
}

/** Some exporters write the training columns into the model. */
function guessByMetadata(input: TensorSignature, { facts, columns, used }: Guessing): FeatureGuess | undefined {
  for (const [key, value] of Object.entries(facts.metadata)) {
    if (!/(feature|column|input)s?[\s_-]*(names?)?/i.test(key)) continue;
    const names = namesIn(value);
    const found = names.flatMap((name) => columns.find((column) => column.name === name && !used.has(name)) ?? []);
    const isWhole = found.length === names.length && names.length === (widthOf(input) ?? names.length);
    if (found.length > 0 && isWhole)
      return { input, columns: found, comments: [`Order from the model's metadata, ${key}.`] };
  }
  return undefined;
}

function namesIn(text: string): readonly string[] {
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list)) return list.map(String);
  } catch {
    // Not JSON, so it is a list with commas or lines, or nothing of use.
  }
  return text.split(/[,\n]/).map((name) => name.trim());
}

function guessByType(input: TensorSignature, guessing: Guessing): FeatureGuess {
  const free = guessing.columns.filter((column) => !guessing.used.has(column.name) && !column.isAllNull);
  const lists = free.filter((column) => canFillWithList(column, input));
  const [list, ...otherLists] = lists.toSorted(
    (a, b) => Number(a.unfit.has(input.type)) - Number(b.unfit.has(input.type)),
  );
  if (list !== undefined) return { input, columns: [list], comments: [listComment(list, otherLists)] };
  const { signature } = guessing.facts;
  const fitting = free.filter((column) => looksLikeFeature(column, input.type));
  const isSetAside = (column: ColumnLook) => isKey(column) || isLabel(column, signature);
  const likely = fitting.filter((column) => !isSetAside(column));
  const width = widthOf(input);
  // Any number of columns would do, and none is a pixel.
  if (width === undefined && takesPixels(input)) throw tooFew(input, [], guessing);
  const pools = [likely, fitting.filter((column) => !isKey(column)), fitting];
  const pool = pools.find((candidates) => candidates.length >= Math.max(1, width ?? 1));
  if (pool === undefined) throw tooFew(input, fitting, guessing);
  const columns = pool.slice(0, width);
  const taken = new Set(columns);
  return {
    input,
    columns,
    comments: [
      positionComment(input, columns),
      leftOut(
        'other candidates',
        pool.filter((column) => !taken.has(column)),
      ),
      leftOut(
        'not taken as they look like keys or labels',
        fitting.filter((column) => isSetAside(column) && !taken.has(column) && !pool.includes(column)),
      ),
    ].filter((comment) => comment !== ''),
  };
}

function listComment(list: ColumnLook, others: readonly ColumnLook[]): string {
  const length = list.listShape?.join(' × ') ?? '';
  if (others.length === 0)
    return `${list.name} is the only list column of the right length${length === '' ? '' : `, ${length}`}.`;
  return `CHECK: other list columns are as long: ${others.map((column) => column.name).join(', ')}.`;
}

function positionComment(input: TensorSignature, columns: readonly ColumnLook[]): string {
  if (columns.length === 1)
    return `CHECK: no column is called ${input.name}; ${columns[0]?.name ?? ''} is the first of its kind.`;
  const width = widthOf(input);
  const what = width === undefined ? 'any number of values' : `${width} values`;
  return `CHECK THE ORDER: the model takes ${what} by position and does not say which; these columns are in the dataset's order.`;
}

function leftOut(why: string, columns: readonly ColumnLook[]): string {
  if (columns.length === 0) return '';
  const names = columns.slice(0, maxNamesShown).map((column) => column.name);
  return `${why[0]?.toUpperCase() ?? ''}${why.slice(1)}: ${names.join(', ')}${columns.length > maxNamesShown ? `, … (${columns.length})` : ''}.`;
}

function tooFew(input: TensorSignature, fitting: readonly ColumnLook[], { columns }: Guessing): AppError {
  const have =
    fitting.length === 0
      ? 'no column that is left can become that'
      : `only ${fitting.length} of ${columns.length} columns can become that: ${fitting
          .slice(0, maxNamesShown)
          .map((column) => column.name)
          .join(', ')}`;
  const width = widthOf(input);
  const wanted =
    width === undefined && takesPixels(input) ? 'pixels' : `${width ?? 1} value${(width ?? 1) === 1 ? '' : 's'} a row`;
  return new AppError('MODEL_INPUT_MISMATCH', `model input ${shown(input)} takes ${wanted}, but ${have}`, {
    hint: takesPixels(input)
      ? `images fill it, from a column of bytes (BLOB) or of paths: features: { ${input.name}: { image: COLUMN } }`
      : 'see `nightshift inspect` on both; the dataset may need columns made for the model',
    details: { input: input.name, columns: columns.map((column) => column.name) },
  });
}
