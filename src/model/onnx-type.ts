import type { TensorType, ValueSignature } from './contract.ts';
import { contentOf, integerOf, textOf, wireFields } from './onnx-wire.ts';

/**
 * The shape of a tensor whose model does not even declare a rank. It prints well and no exporter names a dimension so.
 */
export const unknownRankShape = ['...'] as const;

export function hasKnownRank(shape: readonly (number | string)[]): boolean {
  return !(shape.length === 1 && shape[0] === unknownRankShape[0]);
}

/** By TensorProto.DataType: ONNX's name, and ours where the Node binding can feed and fetch it. */
const elementTypes: readonly { readonly onnx: string; readonly tensorType?: TensorType }[] = [
  { onnx: 'undefined' },
  { onnx: 'float', tensorType: 'float32' },
  { onnx: 'uint8', tensorType: 'uint8' },
  { onnx: 'int8', tensorType: 'int8' },
  { onnx: 'uint16', tensorType: 'uint16' },
  { onnx: 'int16', tensorType: 'int16' },
  { onnx: 'int32', tensorType: 'int32' },
  { onnx: 'int64', tensorType: 'int64' },
  { onnx: 'string', tensorType: 'string' },
  { onnx: 'bool', tensorType: 'bool' },
  { onnx: 'float16', tensorType: 'float16' },
  { onnx: 'double', tensorType: 'float64' },
  { onnx: 'uint32', tensorType: 'uint32' },
  { onnx: 'uint64', tensorType: 'uint64' },
  { onnx: 'complex64' },
  { onnx: 'complex128' },
  { onnx: 'bfloat16' },
  { onnx: 'float8e4m3fn' },
  { onnx: 'float8e4m3fnuz' },
  { onnx: 'float8e5m2' },
  { onnx: 'float8e5m2fnuz' },
  { onnx: 'uint4' },
  { onnx: 'int4' },
  { onnx: 'float4e2m1' },
  { onnx: 'float8e8m0' },
  { onnx: 'uint2' },
  { onnx: 'int2' },
  { onnx: 'float6e2m3' },
  { onnx: 'float6e3m2' },
];

/** Reads a ValueInfoProto: name (1) and type (2). */
export function valueSignature(valueInfo: Uint8Array): ValueSignature {
  let name = '';
  let type: Uint8Array | undefined;
  for (const field of wireFields(valueInfo)) {
    if (field.number === 1) name = textOf(field);
    if (field.number === 2) type = contentOf(field);
  }
  const tensor = type === undefined ? undefined : usableTensor(type);
  if (tensor !== undefined) return { kind: 'tensor', name, ...tensor };
  return { kind: 'other', name, type: type === undefined ? 'undeclared' : typeText(type) };
}

function usableTensor(type: Uint8Array): { type: TensorType; shape: readonly (number | string)[] } | undefined {
  for (const field of wireFields(type)) {
    if (field.number !== 1) continue;
    const { elementType, shape } = tensorOf(contentOf(field));
    const tensorType = elementTypes[elementType]?.tensorType;
    if (tensorType !== undefined) return { type: tensorType, shape };
  }
  return undefined;
}

/** Reads TypeProto.Tensor or TypeProto.SparseTensor: elem_type (1) and shape (2). */
function tensorOf(message: Uint8Array): { elementType: number; shape: readonly (number | string)[] } {
  let elementType = 0;
  let shape: readonly (number | string)[] = unknownRankShape;
  for (const field of wireFields(message)) {
    if (field.number === 1) elementType = Number(integerOf(field));
    if (field.number === 2) shape = shapeOf(contentOf(field));
  }
  return { elementType, shape };
}

/** Reads a TensorShapeProto: dim (1), each with dim_value (1) or dim_param (2). */
function shapeOf(message: Uint8Array): readonly (number | string)[] {
  const shape: (number | string)[] = [];
  for (const field of wireFields(message)) {
    if (field.number === 1) shape.push(dimensionOf(contentOf(field)));
  }
  return shape;
}

function dimensionOf(message: Uint8Array): number | string {
  let dimension: number | string = '';
  for (const field of wireFields(message)) {
    if (field.number === 1) dimension = Number(integerOf(field));
    if (field.number === 2) dimension = textOf(field);
  }
  // Some exporters write -1 for a free dimension.
  return typeof dimension === 'number' && dimension < 0 ? '' : dimension;
}

/** A TypeProto as ONNX writes types, e.g. `seq(map(int64,tensor(float)))`. */
function typeText(type: Uint8Array): string {
  for (const field of wireFields(type)) {
    switch (field.number) {
      case 1:
        return `tensor(${elementText(tensorOf(contentOf(field)).elementType)})`;
      case 4:
        return `seq(${innerTypeText(contentOf(field), 1)})`;
      case 5:
        return `map(${mapKeyText(contentOf(field))},${innerTypeText(contentOf(field), 2)})`;
      case 7:
        return 'opaque';
      case 8:
        return `sparse_tensor(${elementText(tensorOf(contentOf(field)).elementType)})`;
      case 9:
        return `optional(${innerTypeText(contentOf(field), 1)})`;
    }
  }
  return 'undeclared';
}

function innerTypeText(message: Uint8Array, number: number): string {
  for (const field of wireFields(message)) {
    if (field.number === number) return typeText(contentOf(field));
  }
  return 'undeclared';
}

function mapKeyText(message: Uint8Array): string {
  for (const field of wireFields(message)) {
    if (field.number === 1) return elementText(Number(integerOf(field)));
  }
  return elementText(0);
}

function elementText(elementType: number): string {
  return elementTypes[elementType]?.onnx ?? `element type ${elementType}`;
}
