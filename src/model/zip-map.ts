import type { ModelFacts } from './contract.ts';
import { modelFacts } from './onnx-facts.ts';
import {
  attributeField,
  contentOf,
  delimited,
  graphField,
  integersOf,
  isStandardDomain,
  joined,
  modelField,
  nodeField,
  textField,
  textIn,
  textOf,
  varintField,
  type WireField,
  wireFields,
} from './onnx-wire.ts';

export interface UnzippedModel {
  readonly bytes: Uint8Array;
  readonly facts: ModelFacts;
  /** Names of the outputs that are tensors now. */
  readonly unzipped: readonly string[];
  /** By output name, the class of each column; an int64 that a number cannot hold is given as its digits. */
  readonly classLabels: Readonly<Record<string, readonly (string | number)[]>>;
}

interface GraphNode {
  readonly field: WireField;
  readonly opType: string;
  readonly isStandard: boolean;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** A ZipMap whose dictionaries nothing but graph outputs takes, straight or through Identity nodes. */
interface Exposure {
  readonly zipMap: GraphNode;
  readonly labels: readonly (string | number)[];
  /** Every name that its dictionaries have on their way. */
  readonly names: ReadonlySet<string>;
}

/**
 * A ZipMap turns a tensor of probabilities into one dictionary a row, which the Node binding cannot fetch. This gives
 * each such output, under its own name, the tensor `float32 [rows, classes]` that feeds its ZipMap.
 * @returns the same `bytes` when no output comes out of a ZipMap; else a copy that differs in those nodes and outputs.
 * @param name what messages call the model, e.g. its path
 * @throws AppError MODEL_INVALID as `modelFacts` does.
 */
export function exposeZipMaps(bytes: Uint8Array, name?: string): UnzippedModel {
  const facts = modelFacts(bytes, name);
  const outputNames = facts.signature.outputs.flatMap((output) => (output.kind === 'other' ? output.name : []));
  const untouched: UnzippedModel = { bytes, facts, unzipped: [], classLabels: {} };
  const graph = [...wireFields(bytes)].findLast((field) => field.number === modelField.graph);
  if (outputNames.length === 0 || graph === undefined) return untouched;

  const exposures = exposuresOf(contentOf(graph), outputNames);
  if (exposures.length === 0) return untouched;

  const rewritten = rewrittenModel(bytes, graph, { exposures, facts });
  const labels = outputNames.flatMap((outputName): [string, readonly (string | number)[]][] => {
    const exposure = exposures.find(({ names }) => names.has(outputName));
    return exposure === undefined ? [] : [[outputName, exposure.labels]];
  });
  const unzipped = labels.map(([outputName]) => outputName);
  return {
    bytes: rewritten,
    facts: { ...modelFacts(rewritten, name), unzippedOutputs: unzipped },
    unzipped,
    classLabels: Object.fromEntries(labels),
  };
}

function exposuresOf(graph: Uint8Array, outputNames: readonly string[]): readonly Exposure[] {
  const nodes = [...wireFields(graph)].flatMap((field) => (field.number === graphField.node ? graphNode(field) : []));
  return nodes
    .filter((node) => node.opType === 'ZipMap' && !node.isStandard)
    .flatMap((zipMap) => {
      const names = namesOf(zipMap, nodes);
      if (names === undefined || !outputNames.some((outputName) => names.has(outputName))) return [];
      return { zipMap, names, labels: classLabelsOf(contentOf(zipMap.field)) };
    });
}

/** @returns undefined when a node other than Identity reads the dictionaries, so that they have to stay. */
function namesOf(zipMap: GraphNode, nodes: readonly GraphNode[]): ReadonlySet<string> | undefined {
  const names = new Set(zipMap.outputs);
  // Nodes lie in topological order.
  for (const node of nodes) {
    if (!node.inputs.some((input) => names.has(input))) continue;
    if (node.opType !== 'Identity' || !node.isStandard) return undefined;
    for (const output of node.outputs) names.add(output);
  }
  return names;
}

function graphNode(field: WireField): GraphNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  let opType = '';
  let domain = '';
  for (const part of wireFields(contentOf(field))) {
    if (part.number === nodeField.input) inputs.push(textOf(part));
    else if (part.number === nodeField.output) outputs.push(textOf(part));
    else if (part.number === nodeField.opType) opType = textOf(part);
    else if (part.number === nodeField.domain) domain = textOf(part);
  }
  return { field, opType, isStandard: isStandardDomain(domain), inputs, outputs };
}

/** Reads classlabels_int64s or classlabels_strings, of which a ZipMap has one. */
function classLabelsOf(zipMap: Uint8Array): readonly (string | number)[] {
  const labels: (string | number)[] = [];
  for (const attribute of wireFields(zipMap)) {
    if (attribute.number !== nodeField.attribute) continue;
    for (const field of wireFields(contentOf(attribute))) {
      if (field.number === attributeField.strings) labels.push(textOf(field));
      if (field.number === attributeField.ints) labels.push(...integersOf(field).map(labelOf));
    }
  }
  return labels;
}

function labelOf(value: bigint): string | number {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

interface Rewrite {
  readonly exposures: readonly Exposure[];
  readonly facts: ModelFacts;
}

function rewrittenModel(bytes: Uint8Array, graph: WireField, { exposures, facts }: Rewrite): Uint8Array {
  const graphFields = [...wireFields(contentOf(graph))].flatMap((field) => rewrittenField(field, exposures));
  const parts = [...wireFields(bytes)].flatMap((field) =>
    isSame(field, graph) ? delimited(modelField.graph, graphFields) : [field.whole],
  );
  // Identity belongs to the standard operators, which a model of ai.onnx.ml nodes alone need not import.
  const hasStandard = facts.opsets.some(({ domain }) => isStandardDomain(domain));
  return joined(hasStandard ? parts : [...parts, ...delimited(modelField.opset, [varintField(2, 13)])]);
}

function rewrittenField(field: WireField, exposures: readonly Exposure[]): readonly Uint8Array[] {
  if (field.number === graphField.node) {
    const exposure = exposures.find(({ zipMap }) => isSame(zipMap.field, field));
    return exposure === undefined ? [field.whole] : identityInsteadOf(exposure.zipMap);
  }
  if (field.number !== graphField.output && field.number !== graphField.valueInfo) return [field.whole];
  const name = textIn(contentOf(field), 1);
  const exposure = exposures.find(({ names }) => names.has(name));
  return exposure === undefined ? [field.whole] : floatMatrixInfo(field.number, name, exposure.labels.length);
}

/**
 * The ZipMap's place, input and output with another operator: renaming the tensor instead would have to reach into
 * every node, subgraph and output that uses it by its name.
 */
function identityInsteadOf(zipMap: GraphNode): readonly Uint8Array[] {
  const kept = [...wireFields(contentOf(zipMap.field))].filter(
    ({ number }) => number === nodeField.input || number === nodeField.output || number === nodeField.name,
  );
  return delimited(graphField.node, [...kept.map(({ whole }) => whole), textField(nodeField.opType, 'Identity')]);
}

/** A ValueInfoProto `float32 [rows, width]`, the first dimension free. */
function floatMatrixInfo(fieldNumber: number, name: string, width: number): readonly Uint8Array[] {
  const shape = [...delimited(1, []), ...delimited(1, [varintField(1, width)])];
  const tensor = delimited(1, [varintField(1, 1), ...delimited(2, shape)]);
  return delimited(fieldNumber, [textField(1, name), ...delimited(2, tensor)]);
}

/** Fields are views of the same bytes, so their place tells them apart. */
function isSame(a: WireField, b: WireField): boolean {
  return a.whole.byteOffset === b.whole.byteOffset;
}
