import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { Database, dataError, writingError } from '../../src/dataset/duckdb.ts';
import { textError } from '../../src/dataset/text-error.ts';
import { temporaryFolder } from '../e2e/nightshift.ts';

const noMemory = { code: 'OUT_OF_MEMORY', exitCode: 4, retryable: true, hint: expect.stringContaining('free memory') };

describe("DuckDB's words about memory", () => {
  it.each([
    'Out of Memory Error: Allocation failure',
    'Out of Memory Error: could not allocate block of size 256.0 KiB (9.5 MiB/9.5 MiB used)\n\nPossible solutions:',
    'Invalid Error: std::bad_alloc',
    'IO Error: Could not read from file "/in.parquet": Cannot allocate memory',
  ])('are no fault of a file that is read or written: %s', (message) => {
    const error = new Error(message);
    for (const known of [
      dataError(error, '/in.parquet'),
      writingError(new Error(`${message} /part.parquet`), '/part.parquet'),
      textError(error, '/in.csv', 'csv'),
      textError(error, '/in.jsonl', 'jsonl'),
    ])
      expect(known).toMatchObject(noMemory);
  });

  it('are not those about a file that is damaged', () => {
    const error = new Error('Invalid Input Error: No magic bytes found at end of file');
    expect(dataError(error, '/memory.parquet')).toMatchObject({ code: 'INPUT_UNREADABLE' });
  });
});

describe('a database that may not have the memory for a statement', () => {
  it('says so of what is written', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'part.parquet');
    const memoryLimitBytes = 8 * 2 ** 20;
    using database = await Database.open({ readablePaths: [], folders: [folder.path], threads: 1, memoryLimitBytes });
    const copy = database.run(`COPY (SELECT i, hash(i) AS h FROM range(2000000) t(i) ORDER BY h) TO '${path}'`);
    const error = await copy.then(
      () => undefined,
      (thrown: unknown) => writingError(thrown, path),
    );
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject(noMemory);
  });
});
