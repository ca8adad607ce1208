import { type Data, DataType, DateUnit, Precision, TimeUnit, Vector } from 'apache-arrow';
import { isBytes, isText } from './arrow-types.ts';
import { decimalBytes, halfFloats, scaledTimes } from './arrow-values.ts';
import { type RawVector, structChild, writeBytes, writeListEntries, writeValidity, writeVector } from './raw-vector.ts';

/** Rows `[start, start + count)` of Arrow data. */
interface Span {
  readonly data: Data;
  readonly start: number;
  readonly count: number;
}

/**
 * Fills a DuckDB vector, of the type that `duckdbType` gives, with rows of an Arrow column.
 * @param outer which rows of the struct around it are not null: DuckDB wants fields of a null struct to be null too,
 * where Arrow lets them be anything
 */
export function fillVector(vector: RawVector, span: Span, outer?: Uint8Array): void {
  const { data, start, count } = span;
  const { type } = data;
  const validity = bothOf(validityOf(span), outer);
  if (validity !== undefined) writeValidity(vector, validity);
  if (DataType.isNull(type)) return;
  if (DataType.isStruct(type)) {
    // Arrow's children are as long as their struct, and start where it starts.
    for (const [field, child] of data.children.entries())
      fillVector(structChild(vector, field), { data: child, start: start + data.offset, count }, validity);
    return;
  }
  if (DataType.isList(type) || DataType.isLargeList(type) || DataType.isFixedSizeList(type) || DataType.isMap(type)) {
    fillLists(vector, span);
    return;
  }
  const valueType = DataType.isDictionary(type) ? type.dictionary : type;
  if (isText(valueType) || isBytes(valueType)) {
    const values = bytesOf(span);
    for (let row = 0; row < count; row++) {
      const bytes = values(start + row);
      if (bytes !== undefined) writeBytes(vector, row, bytes);
    }
    return;
  }
  writeVector(
    vector,
    duckdbBytes(valueType, fixedBytes(span), (row) => validity === undefined || bitOf(validity, row)),
  );
}

function fillLists(vector: RawVector, { data, start, count }: Span): void {
  const entries = new BigUint64Array(count * 2);
  const [items] = data.children;
  if (items === undefined) return;
  const width = DataType.isFixedSizeList(data.type) ? data.type.listSize : undefined;
  const offsetAt = (row: number) =>
    width === undefined ? Number(data.valueOffsets[start + row] ?? 0) : (start + data.offset + row) * width;
  const first = offsetAt(0);
  for (let row = 0; row < count; row++) {
    entries[row * 2] = BigInt(offsetAt(row) - first);
    entries[row * 2 + 1] = BigInt(offsetAt(row + 1) - offsetAt(row));
  }
  const itemCount = offsetAt(count) - first;
  const child = writeListEntries(vector, entries, itemCount);
  if (itemCount === 0) return;
  if (!DataType.isMap(data.type)) {
    fillVector(child, { data: items, start: first, count: itemCount });
    return;
  }
  for (const [field, part] of items.children.entries())
    fillVector(structChild(child, field), { data: part, start: first + items.offset, count: itemCount });
}

/** One bit a row; undefined when no row is null. */
function validityOf({ data, start, count }: Span): Uint8Array | undefined {
  const dictionary = DataType.isDictionary(data.type) ? dictionaryOf(data) : undefined;
  const hasNullEntry = dictionary?.some((entry) => entry === undefined) === true;
  const isNull = DataType.isNull(data.type);
  const hasBitmap = data.nullCount > 0 && data.nullBitmap !== null && data.nullBitmap !== undefined;
  if (!isNull && !hasBitmap && !hasNullEntry) return undefined;
  const bits = new Uint8Array(Math.ceil(count / 8));
  if (isNull) return bits;
  for (let row = 0; row < count; row++) {
    const isValid = !hasBitmap || bitOf(data.nullBitmap, data.offset + start + row);
    if (isValid && (!hasNullEntry || dictionary?.[keyAt(data, start + row)] !== undefined))
      bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7));
  }
  return bits;
}

function bothOf(a: Uint8Array | undefined, b: Uint8Array | undefined): Uint8Array | undefined {
  return a === undefined || b === undefined ? (a ?? b) : a.map((bits, index) => bits & (b[index] ?? 0));
}

function bitOf(bits: Uint8Array, index: number): boolean {
  return (((bits[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
}

function keyAt(data: Data, row: number): number {
  return Number(data.values[row]);
}

const dictionaries = new WeakMap<Vector, readonly (Uint8Array | undefined)[]>();

/** Bytes of each value of a dictionary; undefined for its nulls. */
function dictionaryOf(data: Data): readonly (Uint8Array | undefined)[] {
  const { dictionary } = data;
  if (dictionary === undefined) return [];
  const known = dictionaries.get(dictionary);
  if (known !== undefined) return known;
  const entries = dictionary.data.flatMap((part) => {
    const whole = { data: part, start: 0, count: part.length };
    const values = isText(part.type) || isBytes(part.type) ? bytesOf(whole) : slotsOf(whole);
    return Array.from({ length: part.length }, (_, row) => (part.getValid(row) ? values(row) : undefined));
  });
  dictionaries.set(dictionary, entries);
  return entries;
}

/** Bytes of the text or binary value of a row. */
function bytesOf({ data }: Span): (row: number) => Uint8Array | undefined {
  const { type } = data;
  if (DataType.isDictionary(type)) {
    const entries = dictionaryOf(data);
    return (row) => entries[keyAt(data, row)];
  }
  const values: Uint8Array = data.values;
  if (DataType.isFixedSizeBinary(type)) {
    const width = type.byteWidth;
    return (row) => values.subarray(row * width, (row + 1) * width);
  }
  if (DataType.isUtf8View(type) || DataType.isBinaryView(type)) {
    const views = new Vector([data]);
    return (row) => {
      const value: unknown = views.get(row);
      return typeof value === 'string' ? Buffer.from(value, 'utf8') : value instanceof Uint8Array ? value : undefined;
    };
  }
  const offsets = data.valueOffsets;
  return (row) => values.subarray(Number(offsets[row]), Number(offsets[row + 1]));
}

/** Bytes of the fixed-width value of a row. */
function slotsOf({ data }: Span): (row: number) => Uint8Array {
  const all = rawBytes(data);
  const width = widthOf(data.type);
  return (row) => all.subarray(row * width, (row + 1) * width);
}

/** The span's fixed-width values as Arrow has them, one after the other; booleans become bytes. */
function fixedBytes({ data, start, count }: Span): Uint8Array {
  const { type } = data;
  if (DataType.isBool(type)) {
    const bits: Uint8Array = data.values;
    return Uint8Array.from({ length: count }, (_, row) => (bitOf(bits, data.offset + start + row) ? 1 : 0));
  }
  if (!DataType.isDictionary(type)) {
    const width = widthOf(type);
    return rawBytes(data).slice(start * width, (start + count) * width);
  }
  const width = widthOf(type.dictionary);
  const entries = dictionaryOf(data);
  const bytes = new Uint8Array(count * width);
  for (let row = 0; row < count; row++) {
    const entry = entries[keyAt(data, start + row)];
    if (entry !== undefined) bytes.set(entry, row * width);
  }
  return bytes;
}

function rawBytes(data: Data): Uint8Array {
  const values: unknown = data.values;
  if (!ArrayBuffer.isView(values)) return new Uint8Array();
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function widthOf(type: DataType): number {
  if (DataType.isInt(type) || DataType.isDecimal(type) || DataType.isTime(type)) return type.bitWidth / 8;
  if (DataType.isFloat(type))
    return type.precision === Precision.DOUBLE ? 8 : type.precision === Precision.SINGLE ? 4 : 2;
  if (DataType.isDate(type)) return type.unit === DateUnit.DAY ? 4 : 8;
  return 8;
}

/** Arrow's fixed-width bytes as DuckDB holds such values. */
function duckdbBytes(type: DataType, bytes: Uint8Array, isValid: (row: number) => boolean) {
  if (DataType.isFloat(type) && type.precision === Precision.HALF) return halfFloats(bytes);
  if (DataType.isDecimal(type)) return decimalBytes(bytes, type);
  if (DataType.isDate(type) && type.unit === DateUnit.MILLISECOND) {
    const days = scaledTimes(bytes, { multiply: 1n, divide: 86_400_000n, isValid });
    return Int32Array.from(days, Number);
  }
  if (DataType.isTime(type) && type.bitWidth === 32) {
    const wide = BigInt64Array.from(new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4), BigInt);
    const multiply = type.unit === TimeUnit.SECOND ? 1_000_000n : 1_000n;
    return scaledTimes(new Uint8Array(wide.buffer), { multiply, divide: 1n, isValid });
  }
  if (DataType.isTimestamp(type)) {
    if (type.unit === TimeUnit.SECOND) return scaledTimes(bytes, { multiply: 1_000_000n, divide: 1n, isValid });
    if (type.unit === TimeUnit.MILLISECOND) return scaledTimes(bytes, { multiply: 1_000n, divide: 1n, isValid });
    const hasZone = type.timezone !== null && type.timezone !== undefined && type.timezone !== '';
    if (type.unit === TimeUnit.NANOSECOND && hasZone)
      return scaledTimes(bytes, { multiply: 1n, divide: 1_000n, isValid });
  }
  return bytes;
}
