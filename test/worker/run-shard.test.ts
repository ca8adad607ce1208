import { mkdir, open as openFile, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newPorts } from '../../src/cli/context.ts';
import { AppError } from '../../src/core/errors.ts';
import type { BatchSize } from '../../src/plan/batch-size.ts';
import { type Commit, commitSchema } from '../../src/plan/commit.ts';
import { runLayout } from '../../src/plan/layout.ts';
import type { Shard } from '../../src/plan/run-plan.ts';
import { openJob, prepareJob } from '../../src/run/prepare-job.ts';
import { parseSpec } from '../../src/spec/load-spec.ts';
import { measureBatch } from '../../src/worker/measure-batch.ts';
import { protocolVersion } from '../../src/worker/protocol.ts';
import { runShard } from '../../src/worker/run-shard.ts';
import { openScorer, type Scorer } from '../../src/worker/scorer.ts';
import type { ShardJob } from '../../src/worker/shard-job.ts';
import { makeParquet, sql, temporaryFolder, typeModel } from '../e2e/nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const layout = runLayout('r1');
beforeEach(async () => {
  folder = await temporaryFolder();
  for (const name of [layout.staging, layout.commits, layout.rejects, layout.input])
    await mkdir(join(folder.path, 'out', name), { recursive: true });
});
afterEach(() => folder[Symbol.asyncDispose]());

/** A scorer as a worker opens it, in this process, and the shards of its plan. */
async function open(
  select: string,
  model = 'float32',
  settings: { readonly columns?: readonly string[]; readonly output?: object; readonly rowGroupRows?: number } = {},
): Promise<{ scorer: Scorer; shards: readonly Shard[] }> {
  await makeParquet(join(folder.path, 'in.parquet'), select, settings.rowGroupRows);
  const job = {
    model: typeModel(model),
    input: { path: 'in.parquet', where: 'id <> 1' },
    features: { x: settings.columns ?? ['a', 'b'] },
    output: { path: 'out', keep: ['id'], ...settings.output },
    execution: { shardRows: 10 },
  };
  const text = JSON.stringify({ version: 1, jobs: { job } });
  const [parsed] = parseSpec({ text, path: join(folder.path, 'jobs.yaml'), env: {} }).jobs;
  if (parsed === undefined) throw new Error('the spec has no job');
  const ports = newPorts();
  const prepared = await prepareJob(ports, { job: parsed, baseDir: folder.path, locate: (path) => path.join('.') });
  const { plan } = await openJob(ports, prepared, { stagingFolder: folder.path, rejectsPath: join(folder.path, 'r') });
  const outputFolder = join(folder.path, 'out');
  const scorer = await openScorer({
    type: 'start',
    protocol: protocolVersion,
    plan,
    outputFolder,
    runId: 'r1',
    provider: 'cpu',
    fallback: 'fail',
    intraOpThreads: 1,
    prefetch: true,
    warmupBatches: 0,
    profile: false,
  });
  return { scorer, shards: plan.shards };
}

const rows = (count: number) =>
  `SELECT i AS id, i::FLOAT AS a, CASE i WHEN 3 THEN NULL ELSE i END::FLOAT AS b FROM range(${count}) t(i)`;

function score(scorer: Scorer, shard: Shard | undefined, settings: Partial<ShardJob> = {}) {
  if (shard === undefined) throw new Error('there is no such shard');
  const { signal } = new AbortController();
  const ignore = { onProgress: () => undefined, onReduced: () => undefined };
  const job = { attempt: 1, failedAttempts: [], giveUp: false, batchRows: 4, signal, ...ignore };
  return runShard(scorer, { shard, ...job, ...settings });
}

describe('runShard', () => {
  it('leaves a whole part, the rejects and a commit whose ledger balances', async () => {
    const { scorer, shards } = await open(rows(20));
    await using _closing = scorer;
    const commit = await score(scorer, shards[0]);
    expect(commit).toMatchObject({ rowsIn: 10, rowsOut: 8, rejectedRows: 1, filteredRows: 1, providers: ['cpu'] });
    expect(commit.firstReject).toBe(`${join(folder.path, 'in.parquet')} row 3: column b is null`);
    const written: unknown = JSON.parse(await readFile(join(folder.path, 'out', layout.commits, '00000.json'), 'utf8'));
    expect(commitSchema.parse(written)).toEqual(commit);
    expect(await sql(`SELECT id, y[1] AS y FROM '${join(folder.path, 'out', layout.staging, commit.part)}'`)).toEqual(
      [0, 2, 4, 5, 6, 7, 8, 9].map((id) => ({ id: BigInt(id), y: id })),
    );
    expect(await readdir(join(folder.path, 'out', layout.rejects))).toEqual(['rejects-00000.parquet']);
  });

  it('writes each shard what was predicted for it, however many one worker scores', async () => {
    const { scorer, shards } = await open(rows(40));
    await using _closing = scorer;
    for (const shard of shards) {
      const commit = await score(scorer, shard);
      const part = join(folder.path, 'out', layout.staging, commit.part);
      expect(await sql(`SELECT count(*)::INTEGER AS wrong FROM '${part}' WHERE y[1] IS DISTINCT FROM id`)).toEqual([
        { wrong: 0 },
      ]);
    }
    expect(shards).toHaveLength(4);
  });

  it('gives the same bytes when it runs again, and leaves nothing else behind', async () => {
    const { scorer, shards } = await open(rows(20));
    await using _closing = scorer;
    const first = await score(scorer, shards[0]);
    const second = await score(scorer, shards[0], { attempt: 2 });
    expect(second).toEqual({ ...first, attempt: 2, timings: second.timings });
    expect(await readdir(join(folder.path, 'out', layout.staging))).toEqual([first.part]);
  });

  it('stops between batches when it is told to, without a commit', async () => {
    const { scorer, shards } = await open(rows(20));
    await using _closing = scorer;
    await expect(score(scorer, shards[0], { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'INTERRUPTED',
    });
    expect(await readdir(join(folder.path, 'out', layout.commits))).toEqual([]);
  });

  it('refuses an input that is not the one that was planned', async () => {
    const { scorer, shards } = await open(rows(20));
    await using _closing = scorer;
    await makeParquet(join(folder.path, 'in.parquet'), rows(21));
    await expect(score(scorer, shards[0])).rejects.toMatchObject({ code: 'INPUT_CHANGED' });
    expect(await readdir(join(folder.path, 'out', layout.commits))).toEqual([]);
  });
});

/** What a shard's part and rejects hold. */
async function outcome(commit: Commit) {
  const place = join(folder.path, 'out');
  return {
    part: await partRows(commit),
    rejects: await sql(
      `SELECT row_number::INTEGER AS row, row_count::INTEGER AS rows, part_row::INTEGER AS before, code, message, row AS json FROM '${join(place, layout.rejects, commit.rejects ?? '')}'`,
    ),
  };
}

function partRows(commit: Commit) {
  return sql(`SELECT * FROM '${join(folder.path, 'out', layout.staging, commit.part)}'`);
}

describe('rows that the session fails on', () => {
  it('are found among the others of their batch, and rejected alone', async () => {
    const { scorer, shards } = await open(
      'SELECT i AS id, CASE i WHEN 4 THEN 99 WHEN 5 THEN NULL WHEN 9 THEN -7 ELSE i % 4 END AS a FROM range(20) t(i)',
      'throws',
      { columns: ['a'] },
    );
    await using _closing = scorer;
    const commit = await score(scorer, shards[0]);
    expect(commit).toMatchObject({ rowsIn: 10, rowsOut: 6, rejectedRows: 3, filteredRows: 1, batchRows: 4 });
    const { part, rejects } = await outcome(commit);
    expect(part).toEqual([0, 2, 3, 6, 7, 8].map((id) => ({ id: BigInt(id), y: 10 * ((id % 4) + 1) })));
    expect(rejects).toMatchObject([
      { row: 4, rows: 1, before: 3, code: 'SESSION_FAILED', json: '{"id":4,"a":99}' },
      { row: 5, rows: 1, before: 3, code: 'NULL_VALUE' },
      { row: 9, rows: 1, before: 6, code: 'SESSION_FAILED', json: '{"id":9,"a":-7}' },
    ]);
    expect(String(rejects[0]?.['message'])).toContain('out of data bounds');
  });

  it('are told from good ones whatever the batch and wherever they are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 10 }),
        fc.integer({ min: 1, max: 12 }),
        async (values, batchRows) => {
          const list = values.map((value) => (value > 6 ? 50 : value % 4)).join(', ');
          const { scorer, shards } = await open(
            `SELECT i - 1 + 100 AS id, [${list}][i] AS a FROM range(1, ${values.length + 1}) t(i)`,
            'throws',
            { columns: ['a'] },
          );
          await using _closing = scorer;
          const commit = await score(scorer, shards[0], { batchRows });
          const good = values.flatMap((value, row) =>
            value > 6 ? [] : [{ id: BigInt(row + 100), y: 10 * ((value % 4) + 1) }],
          );
          expect(await partRows(commit)).toEqual(good);
          expect(commit.rejectedRows).toBe(values.length - good.length);
        },
      ),
      { numRuns: 12 },
    );
  });
});

describe('predictions that are no numbers', () => {
  const select = 'SELECT i AS id, (i - 2)::FLOAT AS a FROM range(10) t(i)';

  it('are rejected, with what they are', async () => {
    const { scorer, shards } = await open(select, 'log', { columns: ['a'] });
    await using _closing = scorer;
    const commit = await score(scorer, shards[0]);
    expect(commit).toMatchObject({ rowsIn: 10, rowsOut: 7, rejectedRows: 2, filteredRows: 1 });
    const { part, rejects } = await outcome(commit);
    expect(part.map(({ id }) => id)).toEqual([3n, 4n, 5n, 6n, 7n, 8n, 9n]);
    expect(rejects).toMatchObject([
      { row: 0, code: 'NON_FINITE', message: 'y is NaN' },
      { row: 2, code: 'NON_FINITE', message: 'y is -Infinity' },
    ]);
  });

  it('are published where the job allows them', async () => {
    const { scorer, shards } = await open(select, 'log', { columns: ['a'], output: { nonFinite: 'allow' } });
    await using _closing = scorer;
    const commit = await score(scorer, shards[0]);
    expect(commit).toMatchObject({ rowsOut: 9, rejectedRows: 0 });
  });
});

describe('a row group that cannot be read', () => {
  it('is rejected as a range, and the other row groups are scored', async () => {
    const { scorer, shards } = await openDamaged();
    await using _closing = scorer;
    const whole = { index: 0, ranges: [{ file: 0, rowStart: 0, rowEnd: 6000 }] };
    const commit = await score(scorer, whole);
    expect(shards.length).toBeGreaterThan(100);
    expect(commit).toMatchObject({ rowsIn: 6000, rowsOut: 6000 - 2048 - 1, rejectedRows: 2048, filteredRows: 1 });
    const { part, rejects } = await outcome(commit);
    expect(part.map(({ id }) => Number(id))).toEqual(
      Array.from({ length: 6000 }, (_, id) => id).filter((id) => id !== 1 && (id < 2048 || id >= 4096)),
    );
    expect(rejects).toMatchObject([{ row: 2048, rows: 2048, before: 2047, code: 'ROWS_UNREADABLE', json: null }]);
    expect(String(rejects[0]?.['message'])).toContain('rows 2048 to 4095 cannot be read');
  });

  it.each(['parquet', 'csv', 'jsonl', 'arrow'])(
    'that holds a whole shard leaves a part without rows: %s',
    async (format) => {
      const { scorer } = await openDamaged({ format });
      await using _closing = scorer;
      const commit = await score(scorer, { index: 0, ranges: [{ file: 0, rowStart: 3000, rowEnd: 3500 }] });
      expect(commit).toMatchObject({ rowsIn: 500, rowsOut: 0, rejectedRows: 500, filteredRows: 0 });
      const rejects = await sql(
        `SELECT row_number, row_count, code FROM read_parquet('${folder.path}/out/${layout.rejects}/*')`,
      );
      expect(rejects).toMatchObject([{ row_number: 3000n, row_count: 500n, code: 'ROWS_UNREADABLE' }]);
    },
  );
});

/** A table whose second row group, of three, cannot be read. */
async function openDamaged(output: object = {}): Promise<{ scorer: Scorer; shards: readonly Shard[] }> {
  const select = 'SELECT i AS id, hash(i)::DOUBLE / 1e19 AS a FROM range(6000) t(i)';
  const opened = await open(select, 'float64', { columns: ['a', 'a'], rowGroupRows: 2048, output });
  await damage(join(folder.path, 'in.parquet'), { rowGroup: 1, column: 'a' });
  return opened;
}

/** Overwrites the middle of a column chunk; size and time of the file stay. */
async function damage(path: string, at: { readonly rowGroup: number; readonly column: string }): Promise<void> {
  const [chunk] = await sql(
    `SELECT data_page_offset::INTEGER AS start, total_compressed_size::INTEGER AS size FROM parquet_metadata('${path}') WHERE row_group_id = ${at.rowGroup} AND path_in_schema = '${at.column}'`,
  );
  const { atime, mtime } = await stat(path);
  await using file = await openFile(path, 'r+');
  const size = Math.floor(Number(chunk?.['size']) / 2);
  await file.write(new Uint8Array(size).fill(0xff), 0, size, Number(chunk?.['start']) + 16);
  await file.utimes(atime, mtime);
}

describe('a session that has the memory for two rows', () => {
  it('gets no larger batches, and the parent hears of it at once', async () => {
    const { scorer, shards } = await open(rows(20));
    await using _closing = scorer;
    const reduced: number[] = [];
    const batches: number[] = [];
    const small: Scorer = {
      ...scorer,
      score: (values, rowCount) => {
        if (rowCount > 2) throw new AppError('OUT_OF_MEMORY', 'no memory');
        batches.push(rowCount);
        return scorer.score(values, rowCount);
      },
    };
    const onReduced = ({ batchRows }: BatchSize) => reduced.push(batchRows);
    expect(await score(small, shards[0], { batchRows: 8, onReduced })).toMatchObject({ rowsOut: 8, batchRows: 2 });
    expect(reduced).toEqual([4, 2]);
    expect(batches).toEqual([2, 2, 2, 2]);
  });
});

describe('measureBatch', () => {
  it('takes no more rows than there are', async () => {
    const { scorer, shards } = await open(rows(8));
    await using _closing = scorer;
    const [shard] = shards;
    expect(shard && (await measureBatch(scorer, shard))).toEqual({ batchRows: 6 });
  });

  it('takes the batch that the model fixes', async () => {
    const { scorer, shards } = await open(rows(8), 'fixed-batch');
    await using _closing = scorer;
    const [shard] = shards;
    expect(shard && (await measureBatch(scorer, shard))).toEqual({ batchRows: 4 });
  });
});
