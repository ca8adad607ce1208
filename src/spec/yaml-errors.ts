import type { YAMLError } from 'yaml';

/** What is wrong at an offset of the text. */
export interface SyntaxProblem {
  readonly offset: number;
  readonly text: string;
  readonly hint: string;
}

/** The parser's errors in our words, where theirs speak to programmers. */
export function describeSyntaxError(error: YAMLError, source: string): SyntaxProblem {
  return starredText(error, source) ?? { offset: error.pos[0], ...wordsFor(error, source) };
}

/** A cron expression without quotes is an alias to YAML, with an error for each of its stars: one is enough. */
function starredText({ pos: [offset], code }: YAMLError, source: string): SyntaxProblem | undefined {
  if (code !== 'UNEXPECTED_TOKEN' && code !== 'BAD_ALIAS') return undefined;
  const lineStart = source.lastIndexOf('\n', offset - 1) + 1;
  const [line = ''] = source.slice(lineStart).split(/\r?\n/, 1);
  for (const { 0: text, index } of line.matchAll(/(?<=[:,[-]\s+)\*\S*\s.*?(?=\s*(?:$|,\s|[}\]]|\s#))/g)) {
    const start = lineStart + index;
    if (offset < start || offset >= start + text.length) continue;
    const hint = `quote it: "${text}"`;
    return { offset: start, text: 'a text that begins with * stands without quotes', hint };
  }
  return undefined;
}

type Words = Omit<SyntaxProblem, 'offset'>;

function wordsFor(error: YAMLError, source: string): Words {
  switch (error.code) {
    case 'DUPLICATE_KEY': {
      const key = /^(?:"[^"\n]*"|'[^'\n]*'|[^:\s]*)/.exec(source.slice(error.pos[0]))?.[0] ?? '';
      return { text: `the key ${key} is there twice`, hint: 'remove or rename one of the two' };
    }
    case 'MULTIPLE_DOCS':
      return {
        text: 'a second document begins here',
        hint: 'remove the --- line: one file is one spec, with all its jobs under jobs',
      };
    case 'TAB_AS_INDENT':
      return { text: 'a tab is used as indentation', hint: 'indent with spaces' };
    case 'TAG_RESOLVE_FAILED':
      return {
        text: 'tags are not used in a spec',
        hint: 'remove the tag, or put a text that begins with ! in quotes',
      };
    case 'BLOCK_AS_IMPLICIT_KEY':
      return { text: 'a map begins in the middle of a line', hint: 'put a text that contains ": " in quotes' };
    case 'BAD_SCALAR_START':
      return { text: lowerFirst(error.message), hint: 'put the text in quotes' };
    case 'BAD_ALIAS':
      return { text: 'an alias has no name', hint: 'put a text that begins with * in quotes, e.g. keep: "*"' };
    case 'RESOURCE_EXHAUSTION':
      return { text: 'is nested too deep', hint: 'a job needs five levels' };
    case 'BAD_INDENT':
    case 'MISSING_CHAR': {
      const [, closing] = /(?:end with a |closing )(["'\]}])/.exec(error.message) ?? [];
      const hint = 'close what was opened, and indent the closing character more than the key';
      return closing === undefined ? inTheirWords(error) : { text: `a ${closing} is missing`, hint };
    }
    default:
      return inTheirWords(error);
  }
}

function inTheirWords(error: YAMLError): Words {
  const hint = 'this is a YAML error: look at quotes, brackets and indentation here and one line above';
  return { text: lowerFirst(error.message), hint };
}

function lowerFirst(message: string): string {
  return `${message.slice(0, 1).toLowerCase()}${message.slice(1)}`;
}
