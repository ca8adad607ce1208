import type { Pieces, Template } from './template.ts';

/*
 * Templates in a condition are values: outside of quotes they become a text literal, within one a part of it. Where
 * neither is so they are refused. To know, the condition is read as DuckDB's lexer reads it.
 */

/** What a condition is in the middle of. */
type State =
  | { readonly in: 'sql' | 'literal' | 'name' | 'line comment' | 'unknown' }
  | { readonly in: 'escaped literal' | 'digits' | 'unicode literal'; readonly prefix: string }
  | { readonly in: 'comment'; readonly depth: number }
  | { readonly in: 'dollar quotes'; readonly tag: string };

const sql: State = { in: 'sql' };

/** @returns what is wrong with the place of a template, if anything is */
export function misplacedTemplate(pieces: Pieces): { readonly text: string; readonly hint: string } | undefined {
  for (const { template, state, before, after } of templatesIn(pieces)) {
    if (state.in === 'literal') continue;
    if (state.in !== 'sql') {
      const hint = "put it outside of quotes, where it becomes a text literal, or between '…'";
      return { text: `${template.source}: is ${placeText(state)}`, hint };
    }
    if (isTouching(before, after)) {
      const hint = "leave a space beside it, or put all of it between '…'";
      return { text: `${template.source}: touches a name or another value`, hint };
    }
  }
  return undefined;
}

/** A condition whose templates are where they may be, with values in their places, whatever the values are. */
export function filledPredicate(pieces: Pieces, valueFor: (template: Template) => string): string {
  const states = [...templatesIn(pieces)].map(({ state }) => state);
  return pieces
    .map((piece) => {
      if (typeof piece === 'string') return piece;
      const text = valueFor(piece).replaceAll("'", "''");
      return states.shift()?.in === 'literal' ? text : `'${text}'`;
    })
    .join('');
}

interface FoundTemplate {
  readonly template: Template;
  readonly state: State;
  /** The text between it and the template before or after it; undefined where the condition ends. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

function* templatesIn(pieces: Pieces): Generator<FoundTemplate> {
  const joined = withTextsJoined(pieces);
  let state = sql;
  for (const [index, piece] of joined.entries()) {
    if (typeof piece === 'string') state = stateAfter(piece, state);
    else yield { template: piece, state, before: textAt(joined, index - 1), after: textAt(joined, index + 1) };
  }
}

function withTextsJoined(pieces: Pieces): Pieces {
  const joined: (string | Template)[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    if (piece === '') continue;
    if (typeof piece === 'string' && typeof last === 'string') joined[joined.length - 1] = last + piece;
    else joined.push(piece);
  }
  return joined;
}

/** Empty beside another template. */
function textAt(pieces: Pieces, index: number): string | undefined {
  const piece = pieces[index];
  return typeof piece === 'object' ? '' : piece;
}

/** Whether a literal at this place would be read together with what is beside it. */
function isTouching(before: string | undefined, after: string | undefined): boolean {
  const isUnicodePrefix = before !== undefined && /u&$/i.test(before);
  return (
    isUnicodePrefix || /^$|['"$\w\u0080-\uFFFF]$/.test(before ?? ' ') || /^$|^['"$\w\u0080-\uFFFF]/.test(after ?? ' ')
  );
}

/** What is read in one go, by what it is in the middle of: an escape, an end, or anything else. */
const tokens = {
  // A name is read whole: only then is an E or X before a quote known to be a prefix, and a $ to be a part of the name.
  sql: /(?:[exb]|u&)'|[a-z_\p{L}][\w$\p{L}\p{M}\p{N}]*|\$(?:[a-z_\p{L}][\w\p{L}\p{M}\p{N}]*)?\$|--|\/\*|./isuy,
  literal: /''|./suy,
  'unicode literal': /''|./suy,
  'escaped literal': /''|\\.|./suy,
  digits: /./suy,
  name: /""|./suy,
  'line comment': /./suy,
  comment: /\/\*|\*\/|./suy,
  'dollar quotes': /\$(?:[a-z_\p{L}][\w\p{L}\p{M}\p{N}]*)?\$|./isuy,
  unknown: /.*/suy,
} as const;

function stateAfter(text: string, before: State): State {
  let state = before;
  for (let offset = 0; offset < text.length; ) {
    const pattern = tokens[state.in];
    pattern.lastIndex = offset;
    const token = pattern.exec(text)?.[0] ?? '';
    const next = advanced(state, token);
    // What could open another pair of dollar quotes may end with the first character of the one that closes these.
    offset += state.in === 'dollar quotes' && next === state ? 1 : Math.max(1, token.length);
    state = next;
  }
  return state;
}

function advanced(state: State, token: string): State {
  switch (state.in) {
    case 'sql':
      return opened(token);
    case 'literal':
    case 'unicode literal':
    case 'escaped literal':
    case 'digits':
      return token === "'" ? sql : state;
    case 'name':
      return token === '"' ? sql : state;
    case 'line comment':
      return token === '\n' || token === '\r' ? sql : state;
    case 'comment':
      if (token === '/*') return { in: 'comment', depth: state.depth + 1 };
      if (token !== '*/') return state;
      return state.depth === 1 ? sql : { in: 'comment', depth: state.depth - 1 };
    case 'dollar quotes':
      return token === state.tag ? sql : state;
    case 'unknown':
      return state;
  }
}

/** Literals that are more than their text, by what opens them; the others take digits. */
const prefixed = new Map<string, 'escaped literal' | 'unicode literal'>([
  ["e'", 'escaped literal'],
  ["u&'", 'unicode literal'],
]);

function opened(token: string): State {
  switch (token) {
    case "'":
      return { in: 'literal' };
    case '"':
      return { in: 'name' };
    case '--':
      return { in: 'line comment' };
    case '/*':
      return { in: 'comment', depth: 1 };
    default:
      if (token.endsWith("'")) return { in: prefixed.get(token.toLowerCase()) ?? 'digits', prefix: token };
      // Such as spaces of other alphabets: some are spaces to DuckDB, others parts of names.
      if (/^[^\p{ASCII}\p{L}]/u.test(token)) return { in: 'unknown' };
      return token.startsWith('$') && token.length > 1 ? { in: 'dollar quotes', tag: token } : sql;
  }
}

function placeText(state: State): string {
  switch (state.in) {
    case 'unknown':
      return 'after an unusual character outside of quotes';
    case 'name':
      return 'within a "name"';
    case 'dollar quotes':
      return `within ${state.tag}…${state.tag}`;
    case 'escaped literal':
    case 'unicode literal':
    case 'digits':
      return `within ${state.prefix}…'`;
    default:
      return 'within a comment';
  }
}
