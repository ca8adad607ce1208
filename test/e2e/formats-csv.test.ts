import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Job, published, publishedTypes, rejected, root, runJob, temporaryFolder } from './nightshift.ts';

const fixtures = join(root, 'fixtures/csv');

/** Passes x through a model twice, and keeps the rest. */
function job(path: string | readonly string[], more: Job = {}, output: Job = {}): Job {
  return {
    model: join(root, 'fixtures/models/types/float64.onnx'),
    input: { path, csv: { nullValues: ['', 'NA'] }, ...more },
    features: { x: { columns: ['x', 'x'], nulls: 'nan' } },
    output: { path: 'out', nonFinite: 'allow', keep: ['id', 'note'], columns: { y: 'y[0]' }, ...output },
    errors: { maxRejected: 100 },
  };
}

function ledger(events: Awaited<ReturnType<typeof runJob>>['events']): unknown {
  return events.find((event) => event.type === 'run-published')?.['rows'];
}

describe('a CSV job', () => {
  it('counts lines that do not parse as rejects, and keeps them with their numbers', async () => {
    await using folder = await temporaryFolder();
    await copyFile(join(fixtures, 'ragged.csv'), join(folder.path, 'a.csv'));
    await writeFile(join(folder.path, 'b.csv'), 'id,x,note\n9,1,"two\nlines"\n10,2\n11,3,good\n');
    const { exitCode, stderr, events } = await runJob(folder.path, job('*.csv'));
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(ledger(events)).toEqual({ in: 11, out: 8, rejected: 3, filtered: 0 });
    expect((await published(folder.path)).map((row) => [Number(row['id']), row['y']])).toEqual([
      [1, 0.5],
      [2, 1.5],
      [3, 2.5],
      [5, 4.5],
      [7, 6.5],
      [8, 7.5],
      [9, 1],
      [11, 3],
    ]);
    expect((await rejected(folder.path)).map((row) => row['message'])).toEqual([
      'line 5: Expected Number of Columns: 3 Found: 2',
      'line 7: Expected Number of Columns: 3 Found: 4',
      'line 4: Expected Number of Columns: 3 Found: 2',
    ]);
  });

  it('rejects a row whose text is no number by column and value', async () => {
    await using folder = await temporaryFolder();
    const { exitCode, events } = await runJob(folder.path, job(join(fixtures, 'missing-values.csv')));
    expect(exitCode).toBe(0);
    expect(ledger(events)).toEqual({ in: 8, out: 7, rejected: 1, filtered: 0 });
    expect(await rejected(folder.path)).toEqual([
      { row_number: 3n, code: 'CAST_LOSSY', message: 'column x: N/A cannot become float64 without loss' },
    ]);
    const values = (await published(folder.path)).map((row) => row['y']);
    expect(values).toEqual([0.5, Number.NaN, 2.5, 4.5, Number.NaN, -3, 1e-3]);
  });

  it('publishes nothing while there are more rejects than it allows', async () => {
    await using folder = await temporaryFolder();
    const strict = { ...job(join(fixtures, 'ragged.csv')), errors: { maxRejected: 1 } };
    const { exitCode, stderr } = await runJob(folder.path, strict);
    expect(exitCode).toBe(3);
    expect(stderr).toContain('REJECTS_OVER_LIMIT: 2 of 8 rows were rejected');
  });

  it('publishes an empty table with its schema for a header alone', async () => {
    await using folder = await temporaryFolder();
    const { exitCode, events } = await runJob(folder.path, job(join(fixtures, 'header-only.csv')));
    expect(exitCode).toBe(0);
    expect(ledger(events)).toEqual({ in: 0, out: 0, rejected: 0, filtered: 0 });
    expect(await publishedTypes(folder.path)).toEqual({ id: 'VARCHAR', note: 'VARCHAR', y: 'DOUBLE' });
  });

  it.each([
    ['empty.csv', 'empty.csv is empty: not even a header'],
    ['nothing.csv', 'nothing.csv does not exist'],
  ])('says what is wrong with %s', async (name, message) => {
    await using folder = await temporaryFolder();
    const { exitCode, stderr } = await runJob(folder.path, job(join(fixtures, name)));
    expect(exitCode).toBe(4);
    expect(stderr).toContain(message);
    expect(stderr).toContain('hint: ');
  });
});

describe('JSON lines', () => {
  it('feed integers of more than 64 bits where they fit, and name a line that is none', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'a.jsonl'), '{"id":18446744073709551615,"x":1,"note":"a"}\n{"id":2,"x":2}\n');
    const lines = {
      ...job('a.jsonl'),
      model: join(root, 'fixtures/models/types/uint64.onnx'),
      features: { x: { columns: ['id', 'id'] } },
    };
    const { exitCode, stderr } = await runJob(folder.path, lines);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect((await published(folder.path)).map((row) => row['y'])).toEqual([18446744073709551615n, 2n]);
    await writeFile(join(folder.path, 'a.jsonl'), '{"id":1}\n{"id":\n');
    const broken = await runJob(folder.path, { ...lines, output: { path: 'out2' } });
    expect(broken.exitCode).toBe(4);
    expect(broken.stderr).toMatch(/a\.jsonl as jsonl: line 2 is no JSON object: \{"id":/);
  });
});
