import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  type AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProtoSchema,
  type OperatorSetIdProto,
  OperatorSetIdProtoSchema,
  TensorProto_DataType,
  type TypeProtoSchema,
  type ValueInfoProtoSchema,
} from './onnx_pb.ts';

type Attribute = MessageInitShape<typeof AttributeProtoSchema>;
type Graph = MessageInitShape<typeof GraphProtoSchema>;
type Model = MessageInitShape<typeof ModelProtoSchema>;
type Node = MessageInitShape<typeof NodeProtoSchema>;
type Type = MessageInitShape<typeof TypeProtoSchema>;
type ValueInfo = MessageInitShape<typeof ValueInfoProtoSchema>;

export const elementType = TensorProto_DataType;

/** A whole model of one graph, with operator sets that ONNX Runtime 1.30 knows unless `extra` names others. */
export function modelBytes(graph: Graph, extra: Model = {}): Uint8Array {
  const model = create(ModelProtoSchema, extra);
  model.irVersion = 8n;
  model.graph = create(GraphProtoSchema, graph);
  model.graph.name = 'tiny';
  if (model.opsetImport.length === 0) model.opsetImport = [opset('', 17n), opset('ai.onnx.ml', 3n)];
  return toBinary(ModelProtoSchema, model);
}

function opset(domain: string, version: bigint): OperatorSetIdProto {
  return create(OperatorSetIdProtoSchema, { domain, version });
}

export function node(opType: string, input: string[], output: string[], attribute: Attribute[] = []): Node {
  return { opType, input, output, attribute, name: `${opType}_${output.join('_')}` };
}

export function mlNode(opType: string, input: string[], output: string[], attribute: Attribute[] = []): Node {
  return { ...node(opType, input, output, attribute), domain: 'ai.onnx.ml' };
}

export function intsAttribute(name: string, ints: bigint[]): Attribute {
  return { name, ints, type: AttributeProto_AttributeType.INTS };
}

export function stringsAttribute(name: string, strings: string[]): Attribute {
  return { name, strings: strings.map((text) => Buffer.from(text)), type: AttributeProto_AttributeType.STRINGS };
}

export function tensorType(elemType: number, shape?: readonly (number | string)[]): Type {
  if (shape === undefined) return { value: { case: 'tensorType', value: { elemType } } };
  const dim = shape.map(
    (size): { value: { case: 'dimValue'; value: bigint } } | { value: { case: 'dimParam'; value: string } } | object =>
      typeof size === 'number'
        ? { value: { case: 'dimValue', value: BigInt(size) } }
        : size === ''
          ? {}
          : { value: { case: 'dimParam', value: size } },
  );
  return { value: { case: 'tensorType', value: { elemType, shape: { dim } } } };
}

export function tensorInfo(name: string, elemType: number, shape?: readonly (number | string)[]): ValueInfo {
  return { name, type: tensorType(elemType, shape) };
}

/** `seq(map(<key>,tensor(float)))`, as a ZipMap gives it. */
export function dictionariesInfo(name: string, keyType: number): ValueInfo {
  const map: Type = { value: { case: 'mapType', value: { keyType, valueType: tensorType(elementType.FLOAT) } } };
  return { name, type: { value: { case: 'sequenceType', value: { elemType: map } } } };
}
