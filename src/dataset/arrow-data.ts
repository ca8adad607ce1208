import {
  DuckDBArrayType,
  DuckDBBlobVector,
  DuckDBDecimalType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
} from '@duckdb/node-api';
import { Data, type DataType } from 'apache-arrow';
import { decimalWidth, resized } from './arrow-values.ts';
import { arrayChild, listChild, type RawVector, readValidity, structChild, vectorBytes } from './raw-vector.ts';

/** A DuckDB vector's first `count` values. */
interface Values {
  readonly vector: RawVector;
  readonly type: DuckDBType;
  readonly count: number;
}

/** Copies the values of a DuckDB vector into Arrow's layout of `type`, which is what `arrowType` gave. */
export function arrowData(values: Values, type: DataType): Data {
  const { vector, count } = values;
  const validity = count === 0 ? undefined : readValidity(vector, count);
  const nullCount = validity === undefined ? 0 : countNulls(validity, count);
  const { buffers, children } = layOut(values, type, (row) => validity === undefined || bitOf(validity, row));
  const [offsets, data] = buffers;
  return new Data(
    type,
    0,
    count,
    nullCount,
    // In Arrow's order: offsets, data, validity.
    { 0: offsets, 1: data, ...(validity !== undefined && nullCount > 0 ? { 2: masked(validity, count) } : {}) },
    [...children],
  );
}

interface Layout {
  readonly buffers: readonly [offsets: Int32Array | undefined, data: ArrayBufferView | undefined];
  readonly children: readonly Data[];
}

function layOut(values: Values, type: DataType, isValid: (row: number) => boolean): Layout {
  const { vector, type: from, count } = values;
  const childType = (index: number): DataType => {
    const child = type.children[index]?.type;
    if (child === undefined) throw new Error(`${String(type)} has no child ${index}`);
    return child;
  };
  if (from instanceof DuckDBStructType) {
    const children = from.entryTypes.map((entry, index) =>
      arrowData({ vector: structChild(vector, index), type: entry, count }, childType(index)),
    );
    return { buffers: [undefined, undefined], children };
  }
  if (from instanceof DuckDBArrayType) {
    const items = { vector: arrayChild(vector), type: from.valueType, count: count * from.length };
    return { buffers: [undefined, undefined], children: [arrowData(items, childType(0))] };
  }
  if (from instanceof DuckDBListType || from instanceof DuckDBMapType)
    return layOutLists(values, childType(0), isValid);
  if (from.typeId === DuckDBTypeId.VARCHAR || from.typeId === DuckDBTypeId.BLOB)
    return { buffers: layOutTexts(values, isValid), children: [] };
  if (from.typeId === DuckDBTypeId.BOOLEAN) {
    const bytes = vectorBytes(vector, count);
    const bits = new Uint8Array(Math.ceil(count / 8));
    for (let row = 0; row < count; row++)
      if (bytes[row] === 1 && isValid(row)) bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7));
    return { buffers: [undefined, bits], children: [] };
  }
  return { buffers: [undefined, fixedValues(values, type, isValid)], children: [] };
}

function layOutLists({ vector, type, count }: Values, itemType: DataType, isValid: (row: number) => boolean): Layout {
  const { items, itemCount } = listChild(vector);
  const bytes = vectorBytes(vector, count * 16);
  const entries = new BigUint64Array(bytes.buffer, bytes.byteOffset, count * 2);
  const offsets = new Int32Array(count + 1);
  let isDense = true;
  for (let row = 0; row < count; row++) {
    const length = isValid(row) ? Number(entries[row * 2 + 1]) : 0;
    if (length > 0 && Number(entries[row * 2]) !== offsets[row]) isDense = false;
    offsets[row + 1] = (offsets[row] ?? 0) + length;
  }
  // DuckDB lays lists out one after the other when it writes them; a vector that was sliced would not be.
  if (!isDense) throw new Error('lists are not laid out in order');
  const length = offsets[count] ?? 0;
  if (length > itemCount) throw new Error('lists reach beyond their items');
  const item = type instanceof DuckDBListType ? type.valueType : undefined;
  if (item !== undefined)
    return {
      buffers: [offsets, undefined],
      children: [arrowData({ vector: items, type: item, count: length }, itemType)],
    };
  if (!(type instanceof DuckDBMapType)) throw new Error(`${String(type)} is no list`);
  const parts = [type.keyType, type.valueType].map((part, index) => {
    const partType = itemType.children[index]?.type;
    if (partType === undefined) throw new Error('a map has keys and values');
    return arrowData({ vector: structChild(items, index), type: part, count: length }, partType);
  });
  return { buffers: [offsets, undefined], children: [new Data(itemType, 0, length, 0, undefined, parts)] };
}

function layOutTexts({ vector, count }: Values, isValid: (row: number) => boolean): Layout['buffers'] {
  // Texts are blobs that hold UTF-8; as such they need no decoding.
  const source = DuckDBBlobVector.fromRawVector(vector, count);
  const values: Uint8Array[] = [];
  const offsets = new Int32Array(count + 1);
  for (let row = 0; row < count; row++) {
    const bytes = isValid(row) ? source.getItem(row)?.bytes : undefined;
    if (bytes !== undefined) values.push(bytes);
    offsets[row + 1] = (offsets[row] ?? 0) + (bytes?.byteLength ?? 0);
  }
  const data = new Uint8Array(offsets[count] ?? 0);
  let at = 0;
  for (const bytes of values) {
    data.set(bytes, at);
    at += bytes.byteLength;
  }
  return [offsets, data];
}

function fixedValues({ vector, type: from, count }: Values, type: DataType, isValid: (row: number) => boolean) {
  const width = from instanceof DuckDBDecimalType ? decimalWidth(from.width) : (widths[from.typeId] ?? 0);
  if (width === 0) throw new Error(`${String(from)} has no fixed width`);
  // A copy, because the vector's memory goes with its chunk; nulls are zeroed, so that the same rows give the same bytes.
  const bytes = vectorBytes(vector, count * width).slice();
  for (let row = 0; row < count; row++) if (!isValid(row)) bytes.fill(0, row * width, (row + 1) * width);
  const sized = from instanceof DuckDBDecimalType ? resized(bytes, width, 16) : bytes;
  const { ArrayType } = type;
  return new ArrayType(sized.buffer, sized.byteOffset, sized.byteLength / ArrayType.BYTES_PER_ELEMENT);
}

const widths: Partial<Readonly<Record<DuckDBTypeId, number>>> = {
  [DuckDBTypeId.TINYINT]: 1,
  [DuckDBTypeId.UTINYINT]: 1,
  [DuckDBTypeId.SMALLINT]: 2,
  [DuckDBTypeId.USMALLINT]: 2,
  [DuckDBTypeId.INTEGER]: 4,
  [DuckDBTypeId.UINTEGER]: 4,
  [DuckDBTypeId.FLOAT]: 4,
  [DuckDBTypeId.DATE]: 4,
  [DuckDBTypeId.BIGINT]: 8,
  [DuckDBTypeId.UBIGINT]: 8,
  [DuckDBTypeId.DOUBLE]: 8,
  [DuckDBTypeId.TIME]: 8,
  [DuckDBTypeId.TIME_NS]: 8,
  [DuckDBTypeId.TIMESTAMP]: 8,
  [DuckDBTypeId.TIMESTAMP_NS]: 8,
  [DuckDBTypeId.TIMESTAMP_TZ]: 8,
};

function bitOf(bits: Uint8Array, index: number): boolean {
  return (((bits[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
}

function countNulls(bits: Uint8Array, count: number): number {
  let nulls = 0;
  for (let row = 0; row < count; row++) if (!bitOf(bits, row)) nulls += 1;
  return nulls;
}

/** The bits after the last row are undefined in DuckDB; as zeros they are the same each time. */
function masked(bits: Uint8Array, count: number): Uint8Array {
  const copy = bits.slice();
  const rest = count & 7;
  const last = copy.length - 1;
  if (rest !== 0) copy[last] = (copy[last] ?? 0) & ((1 << rest) - 1);
  return copy;
}
