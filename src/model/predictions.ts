import { AppError } from '../core/errors.ts';
import { type ElementArray, type PredictionColumn, sizeOf } from '../dataset/contract.ts';
import { newElementArray } from '../dataset/element-array.ts';
import type { TensorType } from './contract.ts';
import { evaluateOutput } from './evaluate-output.ts';
import type { OutputColumn } from './output-expression.ts';
import type { FetchedTensor } from './session.ts';

/** Gathers a shard's predictions, batch after batch, into one array a column. */
export class Predictions {
  readonly #columns: readonly Gathered[];

  /** @param capacity the most rows that can come */
  constructor(outputs: readonly OutputColumn[], capacity: number) {
    this.#columns = outputs.map((output) => new Gathered(output, capacity));
  }

  /**
   * @param rows `paddedRows` is the batch that the session saw, `rowCount` its first rows, which are real
   * @throws AppError MODEL_OUTPUT_MISMATCH when a value's shape changes from batch to batch
   */
  append(
    results: Readonly<Record<string, FetchedTensor>>,
    rows: { readonly rowCount: number; readonly paddedRows: number },
  ): void {
    for (const column of this.#columns) column.append(results, rows);
  }

  columns(): readonly PredictionColumn[] {
    return this.#columns.map((column) => column.column());
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

  append(
    results: Readonly<Record<string, FetchedTensor>>,
    { rowCount, paddedRows }: { readonly rowCount: number; readonly paddedRows: number },
  ): void {
    const tensor = results[this.#output.source];
    if (tensor === undefined) throw new Error(`the session gave no ${this.#output.source}`);
    const chunk = evaluateOutput(this.#output, elementsOf(tensor), paddedRows);
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
    copyInto(this.#values, chunk.data, { from: rowCount * chunk.width, to: this.#rows * chunk.width });
    this.#rows += rowCount;
  }

  column(): PredictionColumn {
    const values = this.#values ?? newElementArray(this.#output.type, 0);
    const length = this.#rows * sizeOf(this.#innerShape);
    return {
      name: this.#output.name,
      element: this.#element(),
      innerShape: this.#innerShape,
      values: Array.isArray(values) ? values.slice(0, length) : values.subarray(0, length),
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

function elementsOf(tensor: FetchedTensor): Parameters<typeof evaluateOutput>[1] {
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
