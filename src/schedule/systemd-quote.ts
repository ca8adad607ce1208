import { AppError } from '../core/errors.ts';
import { checkPlain } from './timer.ts';

/** One word of a setting that takes several, such as Environment= or ReadWritePaths=; holds any text but controls. */
export function quotedWord(what: string, value: string): string {
  const text = checkPlain(what, value).replaceAll(/["\\]/g, (character) => `\\${character}`);
  return `"${escapedSpecifiers(text)}"`;
}

/** One argument of ExecStart=, where `$` would name a variable. */
export function quotedArgument(what: string, value: string): string {
  return quotedWord(what, value).replaceAll('$', '$$$$');
}

/** The value of a setting that takes the rest of the line as it is. */
export function plainValue(what: string, value: string): string {
  const text = escapedSpecifiers(checkPlain(what, value));
  if (/^[^ \t\\](.*[^ \t\\])?$/s.test(text)) return text;
  throw new AppError(
    'USAGE',
    `${what} ${JSON.stringify(value)} begins or ends in a way that no systemd unit can hold`,
    {
      hint: 'rename it so that no blank or backslash is first or last',
    },
  );
}

/** A folder that takes the rest of the line: a slash at its end keeps a blank or a backslash before it. */
export function plainFolder(what: string, value: string): string {
  return escapedSpecifiers(checkPlain(what, /[\s\\]$/.test(value) ? `${value}/` : value));
}

function escapedSpecifiers(text: string): string {
  return text.replaceAll('%', '%%');
}
