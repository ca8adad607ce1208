import { type Document, isAlias, isScalar, Lexer, LineCounter, Parser, parseDocument, visit } from 'yaml';
import type { PlaceInText, SpecLocation, SpecPath } from './location.ts';
import { throwProblems } from './problems.ts';
import { describeSyntaxError, type SyntaxProblem } from './yaml-errors.ts';
import { offsetOf } from './yaml-offset.ts';

export interface YamlDocument {
  /** Plain data: aliases and merge keys resolved, no cycles. */
  readonly data: unknown;
  /**
   * Where the value at `path` is written: its key, or the list's item; if there is none, its nearest parent. With a
   * place in its text that place, if the text is written as it is, without escapes and on one line.
   */
  readonly locate: (path: SpecPath, within?: PlaceInText) => SpecLocation;
}

/** The schema is fixed, so that `%YAML 1.1` in a file doesn't turn `no` into false. */
export const yamlOptions = {
  schema: 'core',
  version: '1.2',
  merge: true,
  resolveKnownTags: false,
  prettyErrors: false,
} as const;

const maxDepth = 200;
const maxAliasCount = 100;

/** @throws AppError SPEC_INVALID with the position of whatever is no YAML that a spec may use. */
export function readYaml({ text, file }: { readonly text: string; readonly file: string }): YamlDocument {
  const source = text.replace(/^\uFEFF/, '');
  const lineCounter = new LineCounter();
  const at = (offset: number): SpecLocation => {
    const { line, col } = lineCounter.linePos(offset);
    return { type: 'file', file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const refuse = (problems: readonly SyntaxProblem[]) => {
    const firstAt = new Map([...problems].reverse().map((problem) => [problem.offset, problem]));
    throwProblems(
      [...firstAt.values()].map(({ offset, text, hint }) => ({ location: at(offset), path: [], text, hint })),
    );
  };

  refuse(deepNesting(source));
  const document = parseDocument(source, { ...yamlOptions, lineCounter });
  refuse([...document.errors, ...document.warnings].map((error) => describeSyntaxError(error, source)));
  refuse(unusableNodes(document));
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    refuse([{ offset: 0, text: 'is empty', hint: '`nightshift init MODEL DATASET` writes a spec to start from' }]);
  }
  try {
    const locate: YamlDocument['locate'] = (path, within) => at(offsetOf(document, path, { source, within }));
    return { data: document.toJS({ maxAliasCount }), locate };
  } catch (error) {
    // What is left is a ReferenceError about too many aliases: https://en.wikipedia.org/wiki/Billion_laughs_attack
    if (!(error instanceof ReferenceError)) throw error;
    refuse([
      {
        offset: 0,
        text: 'its aliases expand to too much',
        hint: 'write the repeated part out, or put it under defaults',
      },
    ]);
    throw error;
  }
}

/** The composer recurses, and some thousand levels end the whole process: the parser, which does not, looks first. */
function deepNesting(source: string): readonly SyntaxProblem[] {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(source)) {
    for (const _token of parser.next(lexeme));
    if (parser.stack.length > maxDepth) {
      return [{ offset: 0, text: `is nested more than ${maxDepth} levels deep`, hint: 'a job needs five levels' }];
    }
  }
  return [];
}

/** Nodes that parse but have no plain value: aliases to nothing or to what they are in, keys that are maps or lists. */
function unusableNodes(document: Document.Parsed): readonly SyntaxProblem[] {
  const problems: SyntaxProblem[] = [];
  visit(document, {
    Alias(_key, alias, ancestors) {
      const target = alias.resolve(document);
      const offset = alias.range?.[0] ?? 0;
      if (target === undefined) {
        const hint = `define it earlier in the file with &${alias.source}, or put a text that begins with * in quotes`;
        problems.push({ offset, text: `the alias *${alias.source} has no anchor before it`, hint });
      } else if (ancestors.includes(target)) {
        const hint = 'an alias stands for something that is complete before it';
        problems.push({ offset, text: `the alias *${alias.source} is inside its own anchor`, hint });
      }
    },
    Pair(_key, { key }) {
      if (isScalar(key) || isAlias(key)) return;
      const offset = isNodeWithRange(key) ? key.range[0] : 0;
      problems.push({
        offset,
        text: 'a key is a map or a list',
        hint: 'put the key in quotes if it begins with [ or {',
      });
    },
  });
  return problems;
}

function isNodeWithRange(node: unknown): node is { readonly range: readonly [number, number, number] } {
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range);
}
