import { isMap, isScalar, isSeq, type Pair, parseDocument, Scalar, type YAMLMap } from 'yaml';
import { yamlOptions } from './yaml-document.ts';

type Value = string | number | boolean;

/** A piece of text in place of `[start, end)`. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * The text of a spec with other settings in `jobs.<job>.execution`; every other character stays where it is.
 * @returns undefined where the job is written in a way that leaves no place for them, such as an alias
 */
export function setExecution(
  text: string,
  job: string,
  settings: Readonly<Record<string, Value | undefined>>,
): string | undefined {
  const document = parseDocument(text, yamlOptions);
  const jobMap = mapAt(mapAt(document.contents, 'jobs'), job);
  if (jobMap === undefined) return undefined;
  const wanted = Object.entries(settings).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  );
  const execution = pairOf(jobMap, 'execution');
  if (execution === undefined) {
    const inner = wanted.map(([key, value]) => entryText(jobMap, key, value)).join(', ');
    return edited(text, [added(text, jobMap, `${keyText(jobMap, 'execution')}: { ${inner} }`)]);
  }
  const map = execution.value;
  if (!isMap(map)) return undefined;
  const edits = wanted.flatMap(([key, value]) => {
    const range = rangeOf(pairOf(map, key)?.value);
    return range === undefined ? [] : [{ start: range[0], end: range[1], text: valueText(map, value) }];
  });
  const missing = wanted.filter(([key]) => pairOf(map, key) === undefined);
  const entries = missing.map(([key, value]) => entryText(map, key, value));
  const glue = map.flow === true ? ', ' : `\n${indentOf(text, map)}`;
  return edited(text, entries.length === 0 ? edits : [...edits, added(text, map, entries.join(glue))]);
}

/** Puts an entry behind the last one of a map that ends on a line of its own, else before the first one. */
function added(text: string, map: YAMLMap, entry: string): Edit {
  if (map.flow === true) {
    const last = rangeOf(map.items.at(-1)?.value) ?? rangeOf(map.items.at(-1)?.key);
    const start = last?.[1] ?? (rangeOf(map)?.[0] ?? 0) + 1;
    return { start, end: start, text: last === undefined ? ` ${entry} ` : `, ${entry}` };
  }
  const behind = map.items.findLast(
    ({ value }) => isScalar(value) || ((isMap(value) || isSeq(value)) && value.flow === true),
  );
  const isBlockText =
    isScalar(behind?.value) &&
    (behind.value.type === Scalar.BLOCK_LITERAL || behind.value.type === Scalar.BLOCK_FOLDED);
  const end = isBlockText ? undefined : rangeOf(behind?.value)?.[1];
  if (end !== undefined) {
    const lineEnd = text.indexOf('\n', end);
    const hasReturn = lineEnd > 0 && text[lineEnd - 1] === '\r';
    const start = lineEnd < 0 ? text.length : hasReturn ? lineEnd - 1 : lineEnd;
    return { start, end: start, text: `${hasReturn ? '\r' : ''}\n${indentOf(text, map)}${entry}` };
  }
  const start = rangeOf(map.items[0]?.key)?.[0] ?? 0;
  return { start, end: start, text: `${entry}\n${indentOf(text, map)}` };
}

/** What is before the first key of a block map, which is where its other keys begin. */
function indentOf(text: string, map: YAMLMap): string {
  const start = rangeOf(map.items[0]?.key)?.[0] ?? 0;
  return ' '.repeat(start - (text.lastIndexOf('\n', start - 1) + 1));
}

function edited(text: string, edits: readonly Edit[]): string {
  const backwards = [...edits].sort((a, b) => b.start - a.start);
  return backwards.reduce(
    (result, { start, end, text: piece }) => result.slice(0, start) + piece + result.slice(end),
    text,
  );
}

function entryText(map: YAMLMap, key: string, value: Value): string {
  return `${keyText(map, key)}: ${valueText(map, value)}`;
}

function keyText(map: YAMLMap, key: string): string {
  return isJson(map) ? JSON.stringify(key) : key;
}

function valueText(map: YAMLMap, value: Value): string {
  return isJson(map) ? JSON.stringify(value) : String(value);
}

/** A spec that is JSON stays JSON. */
function isJson({ flow, items }: YAMLMap): boolean {
  const key = items[0]?.key;
  return flow === true && isScalar(key) && key.type === Scalar.QUOTE_DOUBLE;
}

function mapAt(node: unknown, key: string): YAMLMap | undefined {
  const value = pairOf(node, key)?.value;
  return isMap(value) ? value : undefined;
}

function pairOf(map: unknown, key: string): Pair<unknown, unknown> | undefined {
  return isMap(map) ? map.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key) : undefined;
}

function rangeOf(node: unknown): readonly [number, number, ...unknown[]] | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return undefined;
  const [start, end]: readonly unknown[] = node.range;
  return typeof start === 'number' && typeof end === 'number' ? [start, end] : undefined;
}
