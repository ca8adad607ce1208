import { AppError } from '../core/errors.ts';
import type { TextEncoding, TokenInput } from './contract.ts';
import type { Prepared, PreparedFrom, Preparer } from './preparer.ts';
import type { FedTensor } from './session.ts';
import { type Padding, TextTokenizer } from './tokenizer.ts';
import { readTokenizerJson } from './tokenizer-json.ts';

/** Rows that are tokenized in one call, or as many as have so many characters: what the library makes of them is large. */
const atATime = { rows: 256, characters: 256 * 1024 } as const;

/** @throws AppError TOKENIZER_NOT_FOUND, TOKENIZER_INVALID, TOKENIZERS_UNAVAILABLE, INPUT_CHANGED */
export async function openTextPreparer(encoding: TextEncoding): Promise<Preparer> {
  const { path, sha256 } = encoding.tokenizer;
  const read = await readTokenizerJson(path);
  if (read.sha256 !== sha256) {
    throw new AppError('INPUT_CHANGED', `${path} was replaced while the run went on`, {
      hint: 'run again with --restart',
    });
  }
  const tokenizer = await TextTokenizer.open(path, read);
  return { prepare: (batch) => prepareTexts(encoding, tokenizer, batch) };
}

async function prepareTexts(encoding: TextEncoding, tokenizer: TextTokenizer, from: PreparedFrom): Promise<Prepared> {
  const { maxLength, truncation } = encoding;
  const tokens = new TokenRows(from.rowCount);
  const rejects: { row: number; code: 'TEXT_TOO_LONG' | 'TEXT_EMPTY'; message: string }[] = [];
  for (const { rows, texts } of chunksOf(encoding, from)) {
    const made = await tokenizer.encode(texts, truncation ? maxLength : Number.POSITIVE_INFINITY);
    for (const [at, row] of rows.entries()) {
      const { ids, types } = made[at] ?? { ids: [], types: [] };
      const isTooLong = ids.length > maxLength;
      if (isTooLong) {
        const message = `the text has ${ids.length} tokens, more than ${maxLength}`;
        rejects.push({ row, code: 'TEXT_TOO_LONG', message });
      } else if (ids.length === 0) rejects.push({ row, code: 'TEXT_EMPTY', message: 'the text has no tokens' });
      else tokens.set(row, ids, types);
    }
  }
  return {
    lengths: tokens.lengths,
    rejects,
    feeds: (rows) => feedsOf({ encoding, tokens, padding: tokenizer.padding }, rows),
  };
}

interface Chunk {
  readonly rows: number[];
  readonly texts: (readonly string[])[];
}

function* chunksOf(encoding: TextEncoding, { rowCount, rows, values }: PreparedFrom): Generator<Chunk, void> {
  let chunk: Chunk = { rows: [], texts: [] };
  let characters = 0;
  for (const row of rows ?? Array(rowCount).keys()) {
    const texts = textsOf(encoding, row, values);
    chunk.rows.push(row);
    chunk.texts.push(texts);
    characters += texts.reduce((sum, text) => sum + text.length, 0);
    if (chunk.rows.length < atATime.rows && characters < atATime.characters) continue;
    yield chunk;
    chunk = { rows: [], texts: [] };
    characters = 0;
  }
  if (chunk.rows.length > 0) yield chunk;
}

/** The text of a row, or its pair. */
function textsOf({ template }: TextEncoding, row: number, values: PreparedFrom['values']): readonly string[] {
  const textIn = (column: number) => {
    const value = values[column]?.[row];
    return typeof value === 'string' ? value : '';
  };
  if (template === undefined) return values.map((_, column) => textIn(column));
  return [template.map((piece) => (typeof piece === 'string' ? piece : textIn(piece))).join('')];
}

/** The tokens of many rows in two arrays that grow. */
class TokenRows {
  readonly lengths: Int32Array;
  readonly #starts: Int32Array;
  #ids = new Int32Array(4096);
  #types = new Uint8Array(4096);
  #end = 0;

  constructor(rowCount: number) {
    this.lengths = new Int32Array(rowCount);
    this.#starts = new Int32Array(rowCount);
  }

  set(row: number, ids: readonly number[], types: readonly number[]): void {
    if (this.#end + ids.length > this.#ids.length) this.#grow(this.#end + ids.length);
    this.#starts[row] = this.#end;
    this.lengths[row] = ids.length;
    this.#ids.set(ids, this.#end);
    this.#types.set(types, this.#end);
    this.#end += ids.length;
  }

  #grow(least: number): void {
    const size = Math.max(least, 2 * this.#ids.length);
    const [ids, types] = [new Int32Array(size), new Uint8Array(size)];
    ids.set(this.#ids);
    types.set(this.#types);
    [this.#ids, this.#types] = [ids, types];
  }

  idsOf(row: number): Int32Array {
    const start = this.#starts[row] ?? 0;
    return this.#ids.subarray(start, start + (this.lengths[row] ?? 0));
  }

  typesOf(row: number): Uint8Array {
    const start = this.#starts[row] ?? 0;
    return this.#types.subarray(start, start + (this.lengths[row] ?? 0));
  }
}

interface Fed {
  readonly encoding: TextEncoding;
  readonly tokens: TokenRows;
  readonly padding: Padding;
}

function feedsOf(fed: Fed, rows: ArrayLike<number>): Readonly<Record<string, FedTensor>> {
  const { ids, mask, types, fixedLength } = fed.encoding;
  const { tokens, padding } = fed;
  const width = fixedLength ?? longest(tokens.lengths, rows);
  const place = { rows, width, tokens, padding };
  return {
    [ids.name]: tensor(ids, place, { pad: padding.id, of: (row) => tokens.idsOf(row) }),
    ...(mask === undefined
      ? {}
      : { [mask.name]: tensor(mask, place, { pad: 0, of: (row) => tokens.idsOf(row), all: 1 }) }),
    ...(types === undefined
      ? {}
      : { [types.name]: tensor(types, place, { pad: padding.type, of: (row) => tokens.typesOf(row) }) }),
  };
}

function longest(lengths: Int32Array, rows: ArrayLike<number>): number {
  let most = 0;
  for (let at = 0; at < rows.length; at++) most = Math.max(most, lengths[rows[at] ?? 0] ?? 0);
  return most;
}

interface Filling {
  readonly pad: number;
  readonly of: (row: number) => ArrayLike<number>;
  /** What each token counts as, where it is not its own value. */
  readonly all?: number;
}

function tensor(
  { element }: TokenInput,
  { rows, width, padding }: { readonly rows: ArrayLike<number>; readonly width: number; readonly padding: Padding },
  { pad, of, all }: Filling,
): FedTensor {
  const size = rows.length * width;
  const data = element === 'int64' ? new BigInt64Array(size) : new Int32Array(size);
  // Ids are not negative, so the low half of each 64 bits is all of it, and no BigInt has to be made.
  const step = element === 'int64' ? 2 : 1;
  const words = new Int32Array(data.buffer);
  for (let at = 0; at < rows.length; at++) {
    const values = of(rows[at] ?? 0);
    const first = at * width + (padding.isLeft ? width - values.length : 0);
    if (pad !== 0) for (let to = at * width; to < (at + 1) * width; to++) words[to * step] = pad;
    for (let token = 0; token < values.length; token++) words[(first + token) * step] = all ?? values[token] ?? 0;
  }
  return { type: element, data, dims: [rows.length, width] };
}
