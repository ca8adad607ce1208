import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/**
 * ONNX bytes as protobuf fields, read lazily: weights and tree tables are stepped over, never decoded (decoding a
 * 35 MB random forest into objects takes a second and 500 MB), and what is not rewritten keeps its very bytes.
 */
export interface WireField {
  readonly number: number;
  readonly wireType: WireType;
  /** The whole field with its tag, as it lies in the message. */
  readonly whole: Uint8Array;
  /** What follows the tag; without the length prefix for a length-delimited field. */
  readonly content: Uint8Array;
}

/** Field numbers of onnx.proto, of those fields that are read. */
export const modelField = {
  irVersion: 1,
  producerName: 2,
  producerVersion: 3,
  graph: 7,
  opset: 8,
  metadata: 14,
  functions: 25,
} as const;
export const graphField = {
  node: 1,
  initializer: 5,
  input: 11,
  output: 12,
  valueInfo: 13,
  sparseInitializer: 15,
} as const;
export const nodeField = { input: 1, output: 2, name: 3, opType: 4, attribute: 5, domain: 7 } as const;
export const functionField = { node: 7, attribute: 11 } as const;
export const attributeField = {
  tensor: 5,
  graph: 6,
  floats: 7,
  ints: 8,
  strings: 9,
  tensors: 10,
  graphs: 11,
  sparseTensor: 22,
  sparseTensors: 23,
} as const;
export const tensorField = { name: 8, externalData: 13, dataLocation: 14 } as const;
export const sparseTensorField = { values: 1, indices: 2 } as const;

/** Both spellings of the domain of the standard operators. */
export function isStandardDomain(domain: string): boolean {
  return domain === '' || domain === 'ai.onnx';
}

/** @throws when the bytes are no protobuf message or end too early. */
export function* wireFields(message: Uint8Array): Generator<WireField> {
  const reader = new BinaryReader(message);
  while (reader.pos < message.length) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    const content = wireType === WireType.LengthDelimited ? reader.bytes() : reader.skip(wireType, number);
    yield { number, wireType, whole: message.subarray(start, reader.pos), content };
  }
}

/** The content of each field with that number; they must be length-delimited. */
export function contentsOf(message: Uint8Array, number: number): readonly Uint8Array[] {
  const contents: Uint8Array[] = [];
  // A loop, as a tensor of strings has a field for each of its elements.
  for (const field of wireFields(message)) {
    if (field.number === number) contents.push(contentOf(field));
  }
  return contents;
}

/** Content of a message, string or bytes field. */
export function contentOf(field: WireField): Uint8Array {
  expectWireType(field, WireType.LengthDelimited);
  return field.content;
}

function expectWireType({ number, wireType }: WireField, expected: WireType): void {
  if (wireType !== expected) throw new Error(`field ${number} has wire type ${wireType}, expected ${expected}`);
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

export function textOf(field: WireField): string {
  return utf8.decode(contentOf(field));
}

export function integerOf(field: WireField): bigint {
  expectWireType(field, WireType.Varint);
  return BigInt(new BinaryReader(field.content).int64());
}

/** The values of one field of a repeated integer, which may be packed or not. */
export function integersOf(field: WireField): readonly bigint[] {
  if (field.wireType !== WireType.LengthDelimited) return [integerOf(field)];
  const reader = new BinaryReader(field.content);
  const values: bigint[] = [];
  while (reader.pos < field.content.length) values.push(BigInt(reader.int64()));
  return values;
}

/** The last text with that number, as protobuf reads a repeated optional field; '' when there is none. */
export function textIn(message: Uint8Array, number: number): string {
  const last = contentsOf(message, number).at(-1);
  return last === undefined ? '' : utf8.decode(last);
}

/** A length-delimited field: its prefix, then the parts of its content. */
export function delimited(number: number, parts: readonly Uint8Array[]): readonly Uint8Array[] {
  const sizeBytes = parts.reduce((sum, part) => sum + part.length, 0);
  return [new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(sizeBytes).finish(), ...parts];
}

export function varintField(number: number, value: number): Uint8Array {
  return new BinaryWriter().tag(number, WireType.Varint).int64(value).finish();
}

export function textField(number: number, value: string): Uint8Array {
  return new BinaryWriter().tag(number, WireType.LengthDelimited).string(value).finish();
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}
