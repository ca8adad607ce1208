import type { DescMessage } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import {
  attributeField,
  functionField,
  graphField,
  modelField,
  nodeField,
  sparseTensorField,
  tensorField,
} from '../../src/model/onnx-wire.ts';
import {
  AttributeProtoSchema,
  FunctionProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  SparseTensorProtoSchema,
  TensorProtoSchema,
} from './onnx_pb.ts';

/** Names of ours that the schema has in fewer or more letters. */
const schemaNames: Readonly<Record<string, readonly string[]>> = {
  opset: ['opset_import'],
  metadata: ['metadata_props'],
  attribute: ['attribute', 'attribute_proto'],
  tensor: ['t'],
  graph: ['graph', 'g'],
};

it.each([
  ['ModelProto', modelField, ModelProtoSchema],
  ['GraphProto', graphField, GraphProtoSchema],
  ['NodeProto', nodeField, NodeProtoSchema],
  ['AttributeProto', attributeField, AttributeProtoSchema],
  ['FunctionProto', functionField, FunctionProtoSchema],
  ['TensorProto', tensorField, TensorProtoSchema],
  ['SparseTensorProto', sparseTensorField, SparseTensorProtoSchema],
] satisfies readonly [string, Readonly<Record<string, number>>, DescMessage][])(
  'reads %s by the field numbers of the official schema',
  (_message, fields, schema) => {
    const wrong = Object.entries(fields).flatMap(([name, number]) => {
      const field = schema.fields.find((candidate) => candidate.number === number);
      const snake = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      const isNamed = (schemaNames[name] ?? [snake]).includes(field?.name ?? '');
      return isNamed ? [] : [`${name} is ${number}, which the schema calls ${field?.name ?? 'nothing'}`];
    });
    expect(wrong).toEqual([]);
  },
);
