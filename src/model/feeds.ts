import { type ElementArray, type FeatureRequest, sizeOf } from '../dataset/contract.ts';
import { sameKindOf } from '../dataset/element-array.ts';
import { float32ToFloat16Bits } from './float16.ts';
import type { FedTensor } from './session.ts';

export interface FeedOptions {
  readonly features: readonly FeatureRequest[];
  /** One array a feature, `rowCount × innerShape` values. */
  readonly values: readonly ElementArray[];
  readonly rowCount: number;
  /** Rows that the model fixes; the batch is filled up with its first row. */
  readonly paddedRows: number;
}

/**
 * Turns one batch into session feeds.
 * @returns one tensor a feature, shape `[paddedRows, ...innerShape]`, dtype as the signature declares; tensors share
 *   memory with `values` where nothing is padded or rounded
 */
export function makeFeeds(options: FeedOptions): Readonly<Record<string, FedTensor>> {
  const { features, values, rowCount, paddedRows } = options;
  return Object.fromEntries(
    features.map((feature, index) => {
      const data = padRows(values[index] ?? [], rowCount, paddedRows);
      return [
        feature.input,
        { type: feature.element, data: rounded(feature, data), dims: [paddedRows, ...feature.innerShape] },
      ];
    }),
  );
}

/** Bytes of one row's tensors. */
export function rowBytes(features: readonly FeatureRequest[]): number {
  return features.reduce((sum, feature) => sum + sizeOf(feature.innerShape) * 8, 0);
}

function rounded(feature: FeatureRequest, data: ElementArray): FedTensor['data'] {
  if (feature.element === 'float16' && data instanceof Float32Array) return float32ToFloat16Bits(data);
  return data;
}

/** A row that was just scanned is one that the model can take; zeros may not be. */
function padRows(values: ElementArray, rowCount: number, paddedRows: number): ElementArray {
  if (rowCount === paddedRows) return values;
  const width = values.length / rowCount;
  if (Array.isArray(values)) {
    const first = values.slice(0, width);
    return values.concat(Array.from({ length: paddedRows - rowCount }, () => first).flat());
  }
  const padded = sameKindOf(values, paddedRows * width);
  const bytes = new Uint8Array(padded.buffer);
  const source = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  bytes.set(source);
  const rowSize = width * values.BYTES_PER_ELEMENT;
  for (let row = rowCount; row < paddedRows; row++) bytes.set(source.subarray(0, rowSize), row * rowSize);
  return padded;
}
