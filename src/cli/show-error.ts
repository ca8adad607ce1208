import { AppError, exitCodeOf } from '../core/errors.ts';
import type { Io } from './io.ts';

/** Prints an error the way that every command does, and returns the exit code. */
export function showError(io: Io, thrown: unknown, isJson: boolean): number {
  // Cleaning up after a failure may fail too; the first failure is the one to mend.
  const error = thrown instanceof SuppressedError ? thrown.suppressed : thrown;
  const exitCode = exitCodeOf(error);
  if (isJson) io.out(`${JSON.stringify({ v: 1, type: 'error', ...errorRecord(error), exitCode })}\n`);
  io.err(errorText(error));
  return exitCode;
}

export function errorText(error: unknown): string {
  if (!(error instanceof AppError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `error INTERNAL: this is a bug in nightshift, please report it\n${text}\n`;
  }
  return `error ${error.code}: ${error.message}\n${error.hint === undefined ? '' : `hint: ${error.hint}\n`}`;
}

function errorRecord(error: unknown): Record<string, unknown> {
  if (!(error instanceof AppError)) return { code: 'INTERNAL', message: String(error) };
  return { code: error.code, message: error.message, hint: error.hint, details: error.details };
}
