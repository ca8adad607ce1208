import { AppError } from '../core/errors.ts';
import { nearest } from '../core/suggest.ts';
import { type OutputFunction, outputFunctions, type SecondArgument } from './output-function.ts';
import type { OutputExpression, OutputStep } from './output-step.ts';

/** An expression with the places in its text, from 0, so that what is wrong with it can be shown there. */
export interface WrittenExpression extends OutputExpression {
  readonly text: string;
  readonly sourceAt: number;
  /** For each step: of its name or index, and of its second argument. */
  readonly stepsAt: readonly StepPlace[];
}

export interface StepPlace {
  readonly at: number;
  /** `at`, where there is no second argument. */
  readonly argumentAt: number;
}

type Parsed = Omit<WrittenExpression, 'text'>;

const deepest = 64;

/**
 * Reads `name`, `name[i]`, `name[i][j]`, the functions of `outputFunctions`, and what else these combine to, such as
 * `round(softmax(name)[1], 4)`. A name that has spaces, brackets, commas or quotes is written in double quotes, with
 * `\"` and `\\`.
 * @throws AppError MODEL_OUTPUT_MISMATCH that names the character (1-based) and what was expected there.
 */
export function parseExpression(text: string): WrittenExpression {
  const cursor: Cursor = { text, position: 0, depth: 0 };
  const expression = expressionAt(cursor);
  if (cursor.position < text.length) throw unexpected(cursor, 'a "[" or the end');
  return { text, ...expression };
}

/** Where the parser is; moves on as tokens are taken. */
interface Cursor {
  readonly text: string;
  position: number;
  /** Brackets of functions that are open. */
  depth: number;
}

function expressionAt(cursor: Cursor): Parsed {
  skipSpace(cursor);
  let expression = primaryAt(cursor);
  skipSpace(cursor);
  while (cursor.text[cursor.position] === '[') {
    const { index, at } = indexAt(cursor);
    expression = withStep(expression, { type: 'index', index }, { at, argumentAt: at });
    skipSpace(cursor);
  }
  return expression;
}

function primaryAt(cursor: Cursor): Parsed {
  const start = cursor.position;
  if (cursor.text[start] === '"') return { source: quotedTextAt(cursor), sourceAt: start, steps: [], stepsAt: [] };
  // Outside of brackets a comma separates nothing, and some exporters have it in names.
  const name = take(cursor, cursor.depth === 0 ? /[^\s()[\]"]+/y : /[^\s()[\]",]+/y);
  if (name === undefined) throw unexpected(cursor, 'the name of an output');
  skipSpace(cursor);
  if (cursor.text[cursor.position] !== '(') return { source: name, sourceAt: start, steps: [], stepsAt: [] };
  const called = outputFunctions.find((known) => known.name === name);
  if (called !== undefined && cursor.depth < deepest) return callAt(cursor, called, start);
  cursor.position = start;
  if (called !== undefined) throw unexpected(cursor, `at most ${deepest} functions in one another`);
  const names = outputFunctions.map((known) => known.name);
  const meant = nearest(name, names);
  throw unexpected(
    cursor,
    'the name of a function before a "("',
    `${meant === undefined ? '' : `did you mean ${meant}? `}the functions are ${names.join(', ')}; ` +
      'the name of an output that has brackets goes in double quotes',
  );
}

function callAt(cursor: Cursor, called: OutputFunction, at: number): Parsed {
  cursor.position += 1;
  cursor.depth += 1;
  const operand = expressionAt(cursor);
  const { step, argumentAt } = secondAt(cursor, called, at);
  if (take(cursor, /\)/y) === undefined) throw unexpected(cursor, 'a ")"');
  cursor.depth -= 1;
  return withStep(operand, step, { at, argumentAt });
}

function secondAt(
  cursor: Cursor,
  { name, usage, second, stepOf }: OutputFunction,
  at: number,
): { readonly step: OutputStep; readonly argumentAt: number } {
  const hint = `write for example ${usage}`;
  const hasComma = cursor.text[cursor.position] === ',';
  if (second === undefined && hasComma) {
    throw unexpected(cursor, 'a ")"', `${name} takes one value; a name that has a comma goes in double quotes`);
  }
  take(cursor, /,\s*/y);
  const argumentAt = cursor.position;
  const argument = second !== undefined && hasComma ? argumentOf(cursor, second, hint) : undefined;
  const step = stepOf(argument);
  if (step !== undefined) {
    skipSpace(cursor);
    return { step, argumentAt: hasComma ? argumentAt : at };
  }
  cursor.position = argumentAt;
  const expected = second?.expected ?? 'a ")"';
  throw unexpected(cursor, hasComma ? expected : `a "," and ${expected}`, hint);
}

function argumentOf(cursor: Cursor, { kind, expected }: SecondArgument, hint: string): number | string {
  if (kind === 'text') {
    if (cursor.text[cursor.position] === '"') return quotedTextAt(cursor);
    const text = take(cursor, /[^\s()[\]",]+/y);
    if (text === undefined) throw unexpected(cursor, expected, hint);
    return text;
  }
  const start = cursor.position;
  const value = Number(take(cursor, /[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?(?![\w.])/iy));
  if (Number.isFinite(value)) return value + 0;
  cursor.position = start;
  throw unexpected(cursor, expected, hint);
}

function indexAt(cursor: Cursor): { readonly index: number; readonly at: number } {
  cursor.position += 1;
  skipSpace(cursor);
  const at = cursor.position;
  const digits = take(cursor, /\d{1,9}(?!\d)/y);
  if (digits === undefined) throw unexpected(cursor, 'a zero-based index');
  skipSpace(cursor);
  if (take(cursor, /\]/y) === undefined) throw unexpected(cursor, 'a "]"');
  return { index: Number(digits), at };
}

function quotedTextAt(cursor: Cursor): string {
  const quoted = take(cursor, /"(?:[^"\\]|\\["\\])+"/y);
  if (quoted !== undefined) return quoted.slice(1, -1).replaceAll(/\\(["\\])/g, '$1');
  throw unexpected(cursor, 'a name between double quotes, in which \\" and \\\\ are the only escapes');
}

function withStep({ steps, stepsAt, ...source }: Parsed, step: OutputStep, place: StepPlace): Parsed {
  return { ...source, steps: [...steps, step], stepsAt: [...stepsAt, place] };
}

function skipSpace(cursor: Cursor): void {
  take(cursor, /\s*/y);
}

/** Takes what the sticky pattern matches at the cursor. */
function take(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.position;
  const match = pattern.exec(cursor.text)?.[0];
  if (match !== undefined) cursor.position += match.length;
  return match;
}

function unexpected({ text, position }: Cursor, expected: string, hint?: string): AppError {
  const found = position < text.length ? JSON.stringify(text.slice(position, position + 12)) : 'the end';
  return new AppError(
    'MODEL_OUTPUT_MISMATCH',
    `output expression ${JSON.stringify(text)}, character ${position + 1}: expected ${expected}, found ${found}`,
    {
      hint: hint ?? `write an output's name, name[0], or ${outputFunctions.map(({ usage }) => usage).join(', ')}`,
      details: { text, position, expected },
    },
  );
}
