import { AppError, exitCodeOf } from '../core/errors.ts';
import { newPaint, type Paint } from './colour.ts';
import { LostReader } from './interruption.ts';
import type { Io } from './io.ts';

/** Prints an error the way that every command does, and returns the exit code. */
export function showError(io: Io, thrown: unknown, isJson: boolean): number {
  const error = firstFailure(thrown);
  if (error instanceof LostReader) return error.exitCode;
  if (isJson) io.out(`${errorLine(error)}\n`);
  io.err(errorText(error, io.paintErr));
  return exitCodeOf(error);
}

/** Cleaning up after a failure may fail too; the first failure is the one to mend. */
export function firstFailure(thrown: unknown): unknown {
  // By its name, since Node 22 has no such class and compiled code brings its own.
  const isPair = thrown instanceof Error && thrown.name === 'SuppressedError' && 'suppressed' in thrown;
  return isPair ? firstFailure(thrown.suppressed) : thrown;
}

export function errorText(error: unknown, paint: Paint = newPaint(false)): string {
  if (!(error instanceof AppError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `${paint('red', 'error INTERNAL:')} this is a bug in nightshift, please report it\n${text}\n`;
  }
  const hint = error.hint === undefined ? '' : `${paint('cyan', 'hint:')} ${error.hint}\n`;
  return `${paint('red', `error ${error.code}:`)} ${error.message}\n${pointedText(error)}${hint}`;
}

const shownBefore = 60;
const shownAfter = 40;

/** The text that an error is about, and a caret under the character, where it tells them. */
function pointedText({ details: { text, position } }: AppError): string {
  if (typeof text !== 'string' || typeof position !== 'number') return '';
  const start = Math.max(0, position - shownBefore);
  // A line break or an escape in it would put the caret elsewhere, or do something to the terminal.
  const line = text.slice(start, position + shownAfter).replaceAll(/\p{Cc}/gu, ' ');
  return `  ${line}\n  ${' '.repeat(position - start)}^\n`;
}

/** The line that `--json` prints for an error. */
export function errorLine(error: unknown, where: { readonly job?: string } = {}): string {
  return JSON.stringify({
    v: 1,
    type: 'error',
    time: new Date().toISOString(),
    ...where,
    ...errorRecord(error),
    exitCode: exitCodeOf(error),
  });
}

export function errorRecord(error: unknown): Record<string, unknown> {
  if (!(error instanceof AppError)) return { code: 'INTERNAL', message: String(error) };
  return { code: error.code, message: error.message, hint: error.hint, details: error.details };
}
