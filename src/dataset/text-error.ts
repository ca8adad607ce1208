import { AppError, messageOf } from '../core/errors.ts';
import { dataError, isOutOfMemory } from './duckdb.ts';

/** DuckDB's error about a text file as ours. */
export function textError(error: unknown, place: string, format: 'csv' | 'jsonl'): AppError {
  if (error instanceof AppError) return error;
  const whole = messageOf(error);
  const message = (whole.split('\n')[0] ?? '').slice(0, 300);
  if (/no space left|disk quota/i.test(whole) || isOutOfMemory(error)) return dataError(error, place);
  const make = (problem: string, hint: string) =>
    new AppError('INPUT_UNREADABLE', `cannot read ${place} as ${format}: ${problem}`, { hint, cause: error });
  if (/not utf-8|invalid unicode|byte sequence mismatch/i.test(whole))
    return make('it is not UTF-8', 'convert it, e.g. with iconv -f latin1 -t utf-8, and name the new file');
  if (format === 'jsonl') return make(message, 'each line must be one JSON object');
  if (/error when sniffing file|invalid state/i.test(whole))
    return make(
      'its lines make no table',
      'look for a quote that is never closed and for line ends that differ (\\n here, \\r\\n there), or set input.csv.delimiter',
    );
  return make(message, 'set input.csv.delimiter, header or types if they were guessed wrong');
}
