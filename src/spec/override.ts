import { type Document, isScalar, parseDocument } from 'yaml';
import { AppError } from '../core/errors.ts';
import { yamlOptions } from './yaml-document.ts';

/** An override as it was written: `path=value` after `--set`, or an option of its own that stands for one. */
export type WrittenOverride = string | { readonly option: string; readonly assignment: string };

/** One `--set path=value`. */
export interface Override {
  /** As messages name it: `--set execution.batchSize`, or `--batch-size`. */
  readonly option: string;
  /** The path as it was split at its dots; `"a.b"` in quotes is one segment. */
  readonly path: readonly [string, ...string[]];
  readonly value: unknown;
}

/** @throws AppError USAGE when it isn't `path=value`. */
export function parseOverride(written: WrittenOverride): Override {
  const assignment = typeof written === 'string' ? written : written.assignment;
  const [, pathText, valueText] = /^((?:"[^"]*"|[^="])+)=(.*)$/s.exec(assignment) ?? [];
  const [first, ...rest] = (pathText ?? '').match(/"[^"]*"|[^."]+/g) ?? [];
  if (pathText === undefined || valueText === undefined || first === undefined) {
    throw new AppError('USAGE', `--set ${assignment}: is not a path and a value with = between them`, {
      hint: 'write for example `--set execution.batchSize=256` or `--set jobs.NAME.output.keep=[a,b]`',
    });
  }
  return {
    option: typeof written === 'string' ? `--set ${pathText}` : written.option,
    path: [unquoted(first), ...rest.map(unquoted)],
    value: readValue(valueText, pathText),
  };
}

function unquoted(segment: string): string {
  return segment.replace(/^"(.*)"$/, '$1');
}

/** Flow collections and quoted scalars are YAML; a plain scalar that is no number, boolean or null is the text as it is. */
function readValue(text: string, pathText: string): unknown {
  const isFlow = /^\s*[[{"']/.test(text);
  const document = parseDocument(text, yamlOptions);
  const isPlain = document.contents === null || (isScalar(document.contents) && document.contents.type === 'PLAIN');
  if (!isFlow && !isPlain) return text.trim();
  const value = dataOf(document);
  if (value !== undefined) return typeof value === 'string' && !isFlow ? text.trim() : value;
  if (!isFlow) return text.trim();
  throw new AppError('USAGE', `--set ${pathText}: ${JSON.stringify(text)} is not a YAML list, map or quoted text`, {
    hint: `write for example \`--set '${pathText}=[a, b]'\`, all of it in quotes, which keep the shell away`,
  });
}

/** undefined when it is no YAML. */
function dataOf(document: Document.Parsed): unknown {
  if (document.errors.length > 0 || document.warnings.length > 0) return undefined;
  try {
    return document.toJS();
  } catch (error) {
    if (error instanceof ReferenceError) return undefined; // an alias: there is nothing it could stand for
    throw error;
  }
}
