import { AppError, messageOf } from '../core/errors.ts';
import type { ModelFacts, ValueSignature } from './contract.ts';
import { foreignFormat } from './not-a-model.ts';
import { valueSignature } from './onnx-type.ts';
import {
  attributeField,
  contentOf,
  contentsOf,
  functionField,
  graphField,
  integerOf,
  modelField,
  nodeField,
  sparseTensorField,
  tensorField,
  textIn,
  textOf,
  wireFields,
} from './onnx-wire.ts';

type Opset = ModelFacts['opsets'][number];

/**
 * Reads what a model says about itself; weights are stepped over, so time does not grow with their size.
 * `unzippedOutputs` is empty; `exposeZipMaps` fills it.
 * @param name what messages call the model, e.g. its path
 * @throws AppError MODEL_INVALID when the bytes are no ONNX model; the message says what they look like.
 */
export function modelFacts(bytes: Uint8Array, name = 'the model'): ModelFacts {
  try {
    return factsOf(bytes);
  } catch (cause) {
    throw invalidModel(bytes, name, cause);
  }
}

function factsOf(bytes: Uint8Array): ModelFacts {
  const external = new Set<string>();
  const opsets: Opset[] = [];
  const metadata: [string, string][] = [];
  let irVersion = 0;
  let graph: Uint8Array | undefined;
  for (const field of wireFields(bytes)) {
    if (field.number === modelField.irVersion) irVersion = Number(integerOf(field));
    else if (field.number === modelField.graph) graph = contentOf(field);
    else if (field.number === modelField.opset) opsets.push(opsetOf(contentOf(field)));
    else if (field.number === modelField.metadata) metadata.push(entryOf(contentOf(field)));
    else if (field.number === modelField.functions) collectFromFunction(contentOf(field), external);
  }
  if (irVersion <= 0) throw new Error('it has no IR version');
  if (graph === undefined) throw new Error('it has no graph');
  // Exporters write the operator sets after the graph: a file cut off between the two still parses.
  if (opsets.length === 0 && irVersion >= 3) throw new Error('it names no operator set');
  collectFromGraph(graph, external);
  const producer = `${textIn(bytes, modelField.producerName)} ${textIn(bytes, modelField.producerVersion)}`.trim();
  return {
    irVersion,
    opsets,
    producer,
    metadata: Object.fromEntries(metadata),
    externalData: [...external].sort(),
    signature: signatureOf(graph),
    unzippedOutputs: [],
  };
}

function signatureOf(graph: Uint8Array): ModelFacts['signature'] {
  const inputs: ValueSignature[] = [];
  const outputs: ValueSignature[] = [];
  const initializers = new Set<string>();
  for (const field of wireFields(graph)) {
    if (field.number === graphField.input) inputs.push(valueSignature(contentOf(field)));
    else if (field.number === graphField.output) outputs.push(valueSignature(contentOf(field)));
    else if (field.number === graphField.initializer) initializers.add(textIn(contentOf(field), tensorField.name));
    else if (field.number === graphField.sparseInitializer) {
      for (const values of contentsOf(contentOf(field), sparseTensorField.values)) {
        initializers.add(textIn(values, tensorField.name));
      }
    }
  }
  return { inputs: inputs.filter((input) => !initializers.has(input.name)), outputs };
}

function opsetOf(message: Uint8Array): Opset {
  let domain = '';
  let version = 0;
  for (const field of wireFields(message)) {
    if (field.number === 1) domain = textOf(field);
    if (field.number === 2) version = Number(integerOf(field));
  }
  return { domain, version };
}

/** Reads a StringStringEntryProto. */
function entryOf(message: Uint8Array): [string, string] {
  return [textIn(message, 1), textIn(message, 2)];
}

function collectFromGraph(graph: Uint8Array, external: Set<string>): void {
  for (const field of wireFields(graph)) {
    if (field.number === graphField.node) collectFromNode(contentOf(field), external);
    else if (field.number === graphField.initializer) collectFromTensor(contentOf(field), external);
    else if (field.number === graphField.sparseInitializer) collectFromSparseTensor(contentOf(field), external);
  }
}

function collectFromFunction(message: Uint8Array, external: Set<string>): void {
  for (const field of wireFields(message)) {
    if (field.number === functionField.node) collectFromNode(contentOf(field), external);
    else if (field.number === functionField.attribute) collectFromAttribute(contentOf(field), external);
  }
}

function collectFromNode(node: Uint8Array, external: Set<string>): void {
  for (const field of wireFields(node)) {
    if (field.number === nodeField.attribute) collectFromAttribute(contentOf(field), external);
  }
}

function collectFromAttribute(attribute: Uint8Array, external: Set<string>): void {
  for (const field of wireFields(attribute)) {
    switch (field.number) {
      case attributeField.tensor:
      case attributeField.tensors:
        collectFromTensor(contentOf(field), external);
        break;
      case attributeField.graph:
      case attributeField.graphs:
        collectFromGraph(contentOf(field), external);
        break;
      case attributeField.sparseTensor:
      case attributeField.sparseTensors:
        collectFromSparseTensor(contentOf(field), external);
        break;
      case attributeField.floats:
      case attributeField.ints:
      case attributeField.strings:
        // An attribute has one kind of content, and these lists of tree ensembles have millions of fields.
        return;
    }
  }
}

function collectFromSparseTensor(tensor: Uint8Array, external: Set<string>): void {
  for (const field of wireFields(tensor)) {
    if (field.number === sparseTensorField.values || field.number === sparseTensorField.indices) {
      collectFromTensor(contentOf(field), external);
    }
  }
}

function collectFromTensor(tensor: Uint8Array, external: Set<string>): void {
  let isExternal = false;
  let location = '';
  for (const field of wireFields(tensor)) {
    if (field.number === tensorField.dataLocation) isExternal = integerOf(field) === 1n;
    if (field.number === tensorField.externalData) {
      const [key, value] = entryOf(contentOf(field));
      if (key === 'location') location = value;
    }
  }
  if (isExternal && location !== '') external.add(location);
}

function invalidModel(bytes: Uint8Array, name: string, cause: unknown): AppError {
  const foreign = foreignFormat(bytes);
  if (foreign !== undefined) {
    return new AppError('MODEL_INVALID', `${name} is not an ONNX model: it looks like ${foreign.looksLike}`, {
      hint: foreign.hint,
      cause,
    });
  }
  const isBeginning = bytes[0] === 0x08 && (bytes[1] ?? 0) < 0x80;
  const found = isBeginning
    ? `begins like an ONNX model but is cut off or damaged after ${bytes.length} bytes`
    : 'is not an ONNX model';
  return new AppError('MODEL_INVALID', `${name} ${found}: ${messageOf(cause)}`, {
    hint: 'compare its size with the original, and copy or export the model again',
    cause,
  });
}
