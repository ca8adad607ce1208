import { styleText } from 'node:util';

export type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan';
/** Wraps text in a style, or gives it back as it is where colours are off. */
export type Paint = (style: Style, text: string) => string;

export interface ColourFacts {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether the stream is a terminal that can show colours. */
  readonly isTerminal: boolean;
}

/** `--no-color` wins, then NO_COLOR when it is not empty, then FORCE_COLOR unless it is 0, then what the stream is. */
export function wantsColour({ args, env, isTerminal }: ColourFacts): boolean {
  if (args.includes('--no-color')) return false;
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  return isTerminal;
}

export function newPaint(isColoured: boolean): Paint {
  return isColoured ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text;
}
