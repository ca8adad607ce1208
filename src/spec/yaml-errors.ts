import type { YAMLError } from 'yaml';

/** What is wrong at an offset of the text. */
export interface SyntaxProblem {
  readonly offset: number;
  readonly text: string;
  readonly hint: string;
}

/** The parser's errors in our words, where theirs speak to programmers. */
export function describeSyntaxError(error: YAMLError, source: string): SyntaxProblem {
  return { offset: error.pos[0], ...wordsFor(error, source) };
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
