import { globSync, writeFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { damage } from '../worker/damage.ts';
import { holdingWorkers } from './holding-workers.ts';
import {
  eventsIn,
  type Job,
  makeParquet,
  published,
  rejected,
  root,
  runJob,
  start,
  temporaryFolder,
  typeModel,
  writeSpec,
} from './nightshift.ts';

const columns = [
  ...['month', 'day', 'hour', 'minute', 'carrier_code', 'origin_code', 'dest_code', 'dep_delay', 'distance'],
  ...['plane_year', 'seats', 'temp', 'wind_speed', 'visib'],
];
const flights: Job = {
  model: join(root, 'fixtures/models/late-flights.onnx'),
  input: 'in.parquet',
  features: { features: { columns, nulls: 'nan' } },
  output: { path: 'out', mode: 'overwrite', keep: ['id'] },
  execution: { devices: 'cpu', workersPerDevice: 2, shardRows: 700 },
};
const distinct = 1000;

/** Flights that are there three times each, far apart; a number tells them from each other. */
async function repeatedFlights(cwd: string): Promise<void> {
  const source = join(root, 'fixtures/flights/flights-1.parquet');
  await makeParquet(
    join(cwd, 'in.parquet'),
    `SELECT row_number() OVER () AS id, * FROM (
       SELECT f.* FROM range(3) t(n), (SELECT * EXCLUDE flight_id FROM '${source}' LIMIT ${distinct}) f ORDER BY n)`,
  );
}

const lastOf = (events: readonly Readonly<Record<string, unknown>>[]) => events.at(-1);

describe('rows of the same features', () => {
  it('are scored once with dedupe, by whichever worker, and all have the prediction', async () => {
    await using folder = await temporaryFolder();
    await repeatedFlights(folder.path);
    const plain = await runJob(folder.path, flights);
    expect(plain).toMatchObject({ exitCode: 0 });
    expect(lastOf(plain.events)).not.toHaveProperty('repeatedRows');
    const expected = await published(folder.path);
    const { events } = await runJob(folder.path, { ...flights, dedupe: true });
    const { repeatedRows } = lastOf(events) ?? {};
    // Two workers may score a row at the same time.
    expect(Number(repeatedRows)).toBeGreaterThan(distinct);
    expect(Number(repeatedRows)).toBeLessThanOrEqual(2 * distinct);
    expect(await published(folder.path)).toEqual(expected);
  });

  it.each(['worker', 'run'])('are counted as they are after a %s was killed that had scored some', async (who) => {
    await using folder = await temporaryFolder();
    await repeatedFlights(folder.path);
    const job = { ...flights, dedupe: true, execution: { devices: 'cpu', workersPerDevice: 1, shardRows: 700 } };
    const { events } = await runJob(folder.path, job);
    const { repeatedRows } = lastOf(events) ?? {};
    expect(Number(repeatedRows)).toBeGreaterThanOrEqual(2 * distinct);
    const env = holdingWorkers({ shards: '1', attempts: '1' });
    const run = start(['run', 'jobs.yaml', '--json', '--restart'], { cwd: folder.path, env });
    const pids: number[] = [];
    run.stdout.on('data', (text: Buffer) => {
      for (const [, pid] of String(text).matchAll(/"worker-ready".*?"pid":(\d+)/g)) pids.push(Number(pid));
    });
    const scored = () => globSync(join(folder.path, 'out/_nightshift/runs/*/staging/part-00001.a1.*'));
    await expect.poll(scored, { timeout: 60_000 }).toHaveLength(1);
    if (who === 'run') run.kill('SIGKILL');
    else process.kill(pids[0] ?? 0, 'SIGKILL');
    const killed = await run;
    const finished = who === 'run' ? await runJob(folder.path, job) : { events: eventsIn(killed) };
    expect(lastOf(finished.events)).toMatchObject({ type: 'run-published', repeatedRows });
  });

  it('are rejected together', async () => {
    await using folder = await temporaryFolder();
    await makeParquet(join(folder.path, 'in.parquet'), 'SELECT i AS id, (i % 3 - 1)::FLOAT AS x FROM range(30) t(i)');
    const job = {
      model: typeModel('log'),
      input: 'in.parquet',
      output: { path: 'out', keep: ['id'] },
      errors: { maxRejected: 20 },
      dedupe: true,
    };
    const { events } = await runJob(folder.path, job);
    expect(lastOf(events)).toMatchObject({ type: 'run-published', repeatedRows: 27, rows: { out: 10, rejected: 20 } });
    const found = await rejected(folder.path);
    expect(found.map((row) => Number(row['row_number']))).toEqual(
      Array.from({ length: 30 }, (_, i) => i).filter((i) => i % 3 !== 2),
    );
  });
});

describe('the cache', () => {
  const cached: Job = { ...flights, cache: { path: 'kept' } };

  it('has the predictions of the next run, and of one after a kill', async () => {
    await using folder = await temporaryFolder();
    await repeatedFlights(folder.path);
    await runJob(folder.path, flights);
    const expected = await published(folder.path);
    await writeSpec(folder.path, { job: cached });
    const env = holdingWorkers({ shards: '2' });
    const killed = start(['run', 'jobs.yaml', '--json', '--restart'], { cwd: folder.path, env });
    for await (const line of killed.iterable()) if (String(line).includes('"shard-done"')) killed.kill('SIGKILL');
    expect(await killed).toMatchObject({ signal: 'SIGKILL' });
    const again = await runJob(folder.path, cached, ['--restart']);
    expect(Number(lastOf(again.events)?.['cachedRows'])).toBeGreaterThan(0);
    expect(await published(folder.path)).toEqual(expected);
    const third = await runJob(folder.path, cached);
    expect(lastOf(third.events)).toMatchObject({ cachedRows: 3 * distinct });
    expect(await published(folder.path)).toEqual(expected);
  });

  it('knows nothing of another model, or of other output columns', async () => {
    await using folder = await temporaryFolder();
    await repeatedFlights(folder.path);
    await runJob(folder.path, cached);
    const other = await runJob(folder.path, {
      ...cached,
      output: { path: 'out', mode: 'overwrite', columns: { late: 'label' } },
    });
    // Rows that come again in the same run are all that it can have.
    expect(Number(lastOf(other.events)?.['cachedRows'] ?? 0)).toBeLessThanOrEqual(2 * distinct);
  });

  it('that is damaged is an error that says what to do, which then helps', async () => {
    await using folder = await temporaryFolder();
    await repeatedFlights(folder.path);
    await mkdir(join(folder.path, 'kept'));
    writeFileSync(join(folder.path, 'kept/predictions.sqlite'), 'no database'.repeat(500));
    const { exitCode, stderr } = await runJob(folder.path, cached);
    expect(exitCode).toBe(4);
    expect(stderr).toContain('CACHE_UNAVAILABLE');
    expect(stderr).toContain('`nightshift cache clear SPEC JOB` removes it, or take `cache` out of the job');
    const cache = (verb: string) => start(['cache', verb, 'jobs.yaml', 'job'], { cwd: folder.path });
    expect(await cache('show')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('kept  damaged, 5.4 KiB'),
    });
    expect(await cache('clear')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('a damaged cache') });
    expect(await runJob(folder.path, cached)).toMatchObject({ exitCode: 0 });
  });

  it('that is found damaged in the middle of a run is not used any more, which is told once', async () => {
    await using folder = await temporaryFolder();
    await repeatedFlights(folder.path);
    await runJob(folder.path, cached);
    const expected = await published(folder.path);
    const path = join(folder.path, 'kept/predictions.sqlite');
    using database = new DatabaseSync(path);
    database.exec('PRAGMA journal_mode = DELETE');
    database.close();
    // Behind what the first look at a cache sees.
    damage(path, (size) => ({ from: Math.floor(0.6 * size), to: size }));
    const { exitCode, events } = await runJob(folder.path, cached);
    expect(exitCode).toBe(0);
    expect(events.filter(({ type }) => type === 'warning')).toEqual([
      expect.objectContaining({
        code: 'CACHE_UNAVAILABLE',
        message: expect.stringMatching(/rows are scored: .*predictions\.sqlite is damaged; `nightshift cache clear/),
      }),
    ]);
    expect(await published(folder.path)).toEqual(expected);
  });

  it('that cannot be used does not stay with an unfinished run', async () => {
    await using folder = await temporaryFolder();
    await repeatedFlights(folder.path);
    writeFileSync(join(folder.path, 'kept'), 'a file');
    expect(await runJob(folder.path, cached)).toMatchObject({ exitCode: 4 });
    expect(await runJob(folder.path, flights)).toMatchObject({ exitCode: 0 });
  });

  it('gives nothing that a disk has changed, and what is scored instead takes its place', async () => {
    await using folder = await temporaryFolder();
    await repeatedFlights(folder.path);
    await runJob(folder.path, cached);
    const expected = await published(folder.path);
    using database = new DatabaseSync(join(folder.path, 'kept/predictions.sqlite'));
    for (const { key, value } of database.prepare('SELECT "key", "value" FROM predictions').all()) {
      if (typeof key !== 'string' || !(value instanceof Uint8Array)) throw new Error('not a row of the cache');
      const changed = Buffer.from(value);
      changed.writeUInt8((changed.at(-1) ?? 0) ^ 1, changed.length - 1);
      database.prepare('UPDATE predictions SET "value" = ? WHERE "key" = ?').run(changed, key);
    }
    await runJob(folder.path, cached);
    expect(await published(folder.path)).toEqual(expected);
    const third = await runJob(folder.path, cached);
    expect(lastOf(third.events)).toMatchObject({ cachedRows: 3 * distinct });
  });

  it('may not lie in the output', async () => {
    await using folder = await temporaryFolder();
    await repeatedFlights(folder.path);
    const { exitCode, stderr } = await runJob(folder.path, { ...flights, cache: { path: 'out/kept' } });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /^error SPEC_INVALID: \S*jobs\.yaml:\d+:\d+ jobs\.job\.cache\.path: \S+ lies in the output folder/,
    );
  });

  it('is no part of a repeat, which scores itself', async () => {
    await using folder = await temporaryFolder();
    await repeatedFlights(folder.path);
    await runJob(folder.path, cached);
    expect(await start(['rerun', 'out', '--into', 'again'], { cwd: folder.path })).toMatchObject({ exitCode: 0 });
    const commits = await Promise.all(
      globSync(join(folder.path, 'again/_nightshift/runs/*/commits/*.json')).map((path) => readFile(path, 'utf8')),
    );
    expect(commits).not.toHaveLength(0);
    expect(commits.join()).not.toContain('cachedRows');
  });
});
