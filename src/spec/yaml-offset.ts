import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type Node, type Pair } from 'yaml';
import type { PlaceInText, SpecPath } from './location.ts';

interface Found {
  readonly offset: number;
  readonly node: Node | undefined;
}

/**
 * Where the value at `path` is written: the offset of its key, or of the list's item.
 * Stops at the nearest parent. A key that a short form leaves out (`input: a.csv` for `input.path`) is passed over,
 * and so is the index of a map that stands for a list of one.
 */
export function offsetOf(document: Document, path: SpecPath, { source, within }: Written): number {
  let found = at(document.contents);
  for (const segment of path) {
    const node = target(document, found.node);
    const next = child(document, node, segment);
    if (next !== undefined) found = next;
    else if (isMap(node) ? segment !== 0 : typeof segment === 'number') return found.offset;
  }
  return (
    (within === undefined ? undefined : offsetWithin(target(document, found.node), source, within)) ?? found.offset
  );
}

interface Written {
  /** The text of the document. */
  readonly source: string;
  readonly within: PlaceInText | undefined;
}

/** Of a place in a text, if the source has the text as it is, plain or between quotes. */
function offsetWithin(node: Node | undefined, source: string, { text, position }: PlaceInText): number | undefined {
  if (!isScalar(node) || node.value !== text || node.range == null) return undefined;
  const start = node.range[0] + (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE' ? 1 : 0);
  return source.startsWith(text, start) ? start + position : undefined;
}

function child(document: Document, node: Node | undefined, segment: string | number): Found | undefined {
  if (isSeq(node)) return typeof segment === 'number' && segment in node.items ? at(node.items[segment]) : undefined;
  if (!isMap(node)) return undefined;
  const own = node.items.find((pair) => keyOf(pair) === String(segment));
  if (own !== undefined) return { offset: at(own.key).offset, node: isNode(own.value) ? own.value : undefined };
  return node.items
    .filter((pair) => keyOf(pair) === '<<')
    .flatMap((pair) => mergedMaps(document, pair.value))
    .map((merged) => child(document, merged, segment))
    .find((inMerged) => inMerged !== undefined);
}

function mergedMaps(document: Document, value: unknown): readonly (Node | undefined)[] {
  const source = isNode(value) ? target(document, value) : undefined;
  return isSeq(source) ? source.items.map((item) => (isNode(item) ? target(document, item) : undefined)) : [source];
}

function target(document: Document, node: Node | undefined): Node | undefined {
  return isAlias(node) ? node.resolve(document) : node;
}

function at(node: unknown): Found {
  return isNode(node) ? { offset: node.range?.[0] ?? 0, node } : { offset: 0, node: undefined };
}

/** The library reads a merge key as a symbol that is described as `<<`. */
function keyOf({ key }: Pair): string {
  const value = isScalar(key) ? key.value : undefined;
  return typeof value === 'symbol' ? (value.description ?? '') : String(value);
}
