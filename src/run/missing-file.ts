import { dirname, join, resolve } from 'node:path';
import { AppError } from '../core/errors.ts';
import { nearestFile } from '../core/nearest-file.ts';
import type { Locate } from '../plan/plan-input.ts';
import { dateText, type RunDate } from './date-job.ts';

export interface NamedFiles {
  /** As the job names them. */
  readonly paths: readonly string[];
  /** Where relative ones start. */
  readonly baseDir: string;
  readonly locate: Locate;
  /** Where the job names them. */
  readonly at: Parameters<Locate>[0];
  /** The date that the paths may be for. */
  readonly date?: RunDate | undefined;
}

const placedCodes: ReadonlySet<string> = new Set([
  ...['MODEL_NOT_FOUND', 'INPUT_NOT_FOUND', 'TOKENIZER_NOT_FOUND', 'TOKENIZER_INVALID'],
]);

/** An error about a file that is not there or no tokenizer, with the place that names it and the name that was probably meant. */
export async function missingFile(error: unknown, { paths, baseDir, locate, at, date }: NamedFiles): Promise<unknown> {
  if (!(error instanceof AppError)) return error;
  const { code, message, details } = error;
  if (!placedCodes.has(code)) return error;
  const written = paths.find((path) => message.includes(` ${resolve(baseDir, path)} does not exist`));
  const near = written === undefined ? undefined : await nearestFile(resolve(baseDir, written));
  const hint = written === undefined || near === undefined ? error.hint : `did you mean ${besides(written, near)}?`;
  const dated = date?.isShown === true ? ` (logical date ${dateText(date.logicalDate)})` : '';
  return new AppError(code, `${locate(at)}: ${message}${dated}`, {
    ...(hint === undefined ? {} : { hint }),
    details,
    cause: error,
  });
}

/** The file beside one that the job names, named the same way. */
function besides(written: string, path: string): string {
  return join(dirname(written), path.slice(dirname(path).length + 1));
}
