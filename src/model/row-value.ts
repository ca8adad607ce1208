import { z } from 'zod';
import { parseJson } from '../core/parse-json.ts';
import type { ElementArray } from '../dataset/contract.ts';

/** What one row has in one output column. */
export interface RowValue {
  readonly innerShape: readonly number[];
  readonly values: ElementArray;
}

const kinds = {
  Float32Array,
  Float64Array,
  Int8Array,
  Int16Array,
  Int32Array,
  Uint8Array,
  Uint16Array,
  Uint32Array,
  BigInt64Array,
  BigUint64Array,
} as const;
type Kind = keyof typeof kinds;

const headerSchema = z.array(z.tuple([z.string(), z.array(z.number()), z.number()]));
const headerLengthBytes = 4;
const texts = 'texts';

/** Columns one after the other, behind a line of JSON that says of each its type, shape and bytes. */
export function encodeRow(columns: readonly RowValue[]): Uint8Array {
  const bodies = columns.map(({ values }) => bytesOf(values));
  const header = JSON.stringify(
    columns.map(({ innerShape, values }, index) => [kindOf(values), innerShape, bodies[index]?.byteLength]),
  );
  const length = Buffer.alloc(headerLengthBytes);
  length.writeUInt32LE(Buffer.byteLength(header));
  return Buffer.concat([length, Buffer.from(header), ...bodies]);
}

/** @returns undefined for bytes that `encodeRow` did not write */
export function decodeRow(bytes: Uint8Array): readonly RowValue[] | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.byteLength < headerLengthBytes) return undefined;
  let at = headerLengthBytes + buffer.readUInt32LE();
  const header = headerSchema.safeParse(parseJson(buffer.toString('utf8', headerLengthBytes, at)));
  if (!header.success) return undefined;
  const found: RowValue[] = [];
  for (const [kind, innerShape, size] of header.data) {
    const values = at + size > buffer.byteLength ? undefined : valuesOf(kind, buffer.subarray(at, at + size));
    if (values === undefined) return undefined;
    found.push({ innerShape, values });
    at += size;
  }
  return found;
}

function kindOf(values: ElementArray): string {
  return Array.isArray(values) ? texts : values.constructor.name;
}

function bytesOf(values: ElementArray): Uint8Array {
  if (Array.isArray(values)) return Buffer.from(JSON.stringify(values));
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function valuesOf(kind: string, bytes: Uint8Array): ElementArray | undefined {
  if (kind === texts) return z.array(z.string()).safeParse(parseJson(Buffer.from(bytes).toString('utf8'))).data;
  if (!isKind(kind) || bytes.byteLength % kinds[kind].BYTES_PER_ELEMENT !== 0) return undefined;
  // A copy, since typed arrays of more than a byte want an address of their own kind.
  return Reflect.construct(kinds[kind], [Uint8Array.from(bytes).buffer]);
}

function isKind(name: string): name is Kind {
  return Object.hasOwn(kinds, name);
}
