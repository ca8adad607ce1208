import { AppError } from '../core/errors.ts';
import { type ElementArray, type PredictionColumn, sizeOf } from '../dataset/contract.ts';
import { elementsBetween, newElementArray, sameKindOf } from '../dataset/element-array.ts';
import type { TensorType } from './contract.ts';
import { type ColumnChunk, evaluateOutput } from './evaluate-output.ts';
import type { OutputTensor } from './output-blocks.ts';
import type { OutputColumn } from './output-expression.ts';
import type { RowReject } from './row-rejects.ts';
import { decodeRow, encodeRow, type RowValue } from './row-value.ts';
import type { FedTensor, FetchedTensor } from './session.ts';

export interface PredictionsOptions {
  /** The most rows that can come. */
  readonly capacity: number;
  /** Whether a prediction that is NaN or infinite is one. */
  readonly nonFinite: 'reject' | 'allow';
}

/** What a session was given for a batch, and what it gave. */
export interface BatchTensors {
  readonly feeds: Readonly<Record<string, FedTensor>>;
  readonly results: Readonly<Record<string, FetchedTensor>>;
}

/** Gathers a shard's predictions, batch after batch, into one array a column. */
export class Predictions {
  readonly #columns: readonly Gathered[];
  readonly #nonFinite: 'reject' | 'allow';

  constructor(outputs: readonly OutputColumn[], options: PredictionsOptions) {
    this.#columns = outputs.map((output) => new Gathered(output, options.capacity));
    this.#nonFinite = options.nonFinite;
  }

  /**
   * @param rows `paddedRows` is the batch that the session saw, `rowCount` its first rows, which are real; `places`
   *   says where they go, undefined is after all that came before
   * @returns the rows of the batch that are to be rejected, ascending; they keep their place all the same
   * @throws AppError MODEL_OUTPUT_MISMATCH when a value's shape changes from batch to batch
   */
  append(tensors: BatchTensors, rows: AppendedRows): readonly RowReject[] {
    const found = new Map<number, RowReject>();
    for (const column of this.#columns) {
      const values = column.append(tensors, rows);
      for (const reject of values.rejects) {
        if (reject.row >= rows.rowCount || found.has(reject.row)) continue;
        if (reject.code === 'NON_FINITE' && this.#nonFinite === 'allow') continue;
        found.set(reject.row, { ...reject, message: `${column.name}: ${reject.message}` });
      }
      if (this.#nonFinite === 'reject') findNonFinite(found, values, column.name);
    }
    return [...found.values()].sort((a, b) => a.row - b.row);
  }

  /** Leaves the place of a row that has no prediction. */
  skipRow(place: number): void {
    for (const column of this.#columns) column.skipRow(place);
  }

  /** Gives the row at one place what the row at another has. */
  copyRow(from: number, to: number): void {
    for (const column of this.#columns) column.copyRow(from, to);
  }

  /** A row's predictions as bytes, for `writeRow` of the same output columns. */
  readRow(place: number): Uint8Array {
    return encodeRow(this.#columns.map((column) => column.readRow(place)));
  }

  /** @returns false where the bytes are not of these output columns */
  writeRow(place: number, bytes: Uint8Array): boolean {
    const values = decodeRow(bytes);
    if (values?.length !== this.#columns.length) return false;
    return this.#columns.every((column, index) => {
      const value = values[index];
      return value !== undefined && column.writeRow(place, value);
    });
  }

  columns(): readonly PredictionColumn[] {
    return this.#columns.map((column) => column.column());
  }
}

interface AppendedRows {
  readonly rowCount: number;
  readonly paddedRows: number;
  readonly places?: Int32Array | undefined;
}

interface RowValues {
  readonly values: ElementArray;
  readonly width: number;
  readonly rowCount: number;
  readonly rejects: readonly RowReject[];
}

function findNonFinite(found: Map<number, RowReject>, { values, width, rowCount }: RowValues, column: string): void {
  if (!(values instanceof Float32Array || values instanceof Float64Array)) return;
  for (let at = 0; at < rowCount * width; at++) {
    const value = values[at] ?? 0;
    // The difference of a number to itself is zero, but for NaN and the infinities.
    if (value - value === 0) continue;
    const row = Math.floor(at / width);
    if (!found.has(row)) found.set(row, { row, code: 'NON_FINITE', message: `${column} is ${value}` });
  }
}

class Gathered {
  readonly #output: OutputColumn;
  readonly #capacity: number;
  #values: ElementArray | undefined;
  #innerShape: readonly number[];
  #rows = 0;

  constructor(output: OutputColumn, capacity: number) {
    this.#output = output;
    this.#capacity = capacity;
    this.#innerShape = isScalar(output) ? [] : output.innerShape.map((dim) => (typeof dim === 'number' ? dim : 0));
  }

  append({ feeds, results }: BatchTensors, { rowCount, paddedRows, places }: AppendedRows): RowValues {
    const tensor = results[this.#output.source];
    if (tensor === undefined) throw new Error(`the session gave no ${this.#output.source}`);
    const chunk = evaluateOutput(this.#output, elementsOf(tensor), { rowCount: paddedRows, feeds });
    const innerShape = isScalar(this.#output) && chunk.width === 1 ? [] : chunk.innerDims;
    if (this.#values === undefined) {
      this.#innerShape = innerShape;
      this.#values = newElementArray(chunk.type, this.#capacity * chunk.width);
    } else if (this.#innerShape.join() !== innerShape.join()) {
      throw new AppError(
        'MODEL_OUTPUT_MISMATCH',
        `output column ${this.#output.name} has shape [${innerShape.join(', ')}] a row after [${this.#innerShape.join(', ')}]`,
        {
          hint: 'reduce it to one shape, e.g. with argmax(…), max(…) or an index',
        },
      );
    }
    if (places === undefined) {
      copyInto(this.#values, chunk.data, { from: rowCount * chunk.width, to: this.#rows * chunk.width });
      this.#rows += rowCount;
    } else this.#scatter(this.#values, chunk, places);
    return { values: chunk.data, width: chunk.width, rowCount, rejects: chunk.rejects ?? [] };
  }

  #scatter(values: ElementArray, { data, width }: ColumnChunk, places: Int32Array): void {
    for (const [row, place] of places.entries()) {
      const end = (row + 1) * width;
      copyInto(values, elementsBetween(data, row * width, end), { from: width, to: place * width });
      this.#rows = Math.max(this.#rows, place + 1);
    }
  }

  skipRow(place: number): void {
    this.#rows = Math.max(this.#rows, place + 1);
  }

  copyRow(from: number, to: number): void {
    const width = sizeOf(this.#innerShape);
    this.#values?.copyWithin(to * width, from * width, (from + 1) * width);
    this.#rows = Math.max(this.#rows, to + 1);
  }

  readRow(place: number): RowValue {
    const width = sizeOf(this.#innerShape);
    const values = this.#values ?? newElementArray(this.#output.type, 0);
    const row = elementsBetween(values, place * width, (place + 1) * width);
    return { innerShape: this.#innerShape, values: row };
  }

  /** @returns false for a value of another shape or type than the column has */
  writeRow(place: number, { innerShape, values }: RowValue): boolean {
    const width = sizeOf(innerShape);
    if (this.#values === undefined) {
      this.#innerShape = innerShape;
      this.#values = sameKindOf(values, this.#capacity * width);
    }
    const isSame = this.#innerShape.join() === innerShape.join() && this.#values.constructor === values.constructor;
    if (!isSame) return false;
    copyInto(this.#values, values, { from: width, to: place * width });
    this.#rows = Math.max(this.#rows, place + 1);
    return true;
  }

  get name(): string {
    return this.#output.name;
  }

  column(): PredictionColumn {
    const values = this.#values ?? newElementArray(this.#output.type, 0);
    const length = this.#rows * sizeOf(this.#innerShape);
    return {
      name: this.#output.name,
      element: this.#element(),
      innerShape: this.#innerShape,
      values: elementsBetween(values, 0, length),
    };
  }

  #element(): TensorType {
    return this.#output.type === 'float16' ? 'float32' : this.#output.type;
  }
}

/** A declared `[rows, 1]` is one value a row, as every user of it means it. */
function isScalar({ innerShape }: OutputColumn): boolean {
  return innerShape.every((dim) => dim === 1);
}

function elementsOf(tensor: FetchedTensor): OutputTensor {
  const { data, dims } = tensor;
  if (data instanceof Uint8ClampedArray) return { data: new Uint8Array(data), dims };
  return { data, dims };
}

function copyInto(
  target: ElementArray,
  source: ElementArray,
  { from, to }: { readonly from: number; readonly to: number },
): void {
  if (Array.isArray(target) || Array.isArray(source)) {
    if (!Array.isArray(target) || !Array.isArray(source)) throw new TypeError('strings and numbers do not mix');
    for (let i = 0; i < from; i++) target[to + i] = source[i] ?? '';
    return;
  }
  const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  bytes.set(
    new Uint8Array(source.buffer, source.byteOffset, from * source.BYTES_PER_ELEMENT),
    to * target.BYTES_PER_ELEMENT,
  );
}
