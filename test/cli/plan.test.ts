import { readdir, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeParquet, nightshift, root, runJob, temporaryFolder, typeModel, writeSpec } from '../e2e/nightshift.ts';
import { digitsJob, flightsJob } from './flights-job.ts';

const fixed = ['--workers', '2', '--set', 'execution.intraOpThreads=1', '--set', 'execution.readAhead=1'];

const csvJob = {
  ...digitsJob,
  model: join(root, 'fixtures/models/late-flights.onnx'),
  input: {
    path: join(root, 'fixtures/flights-csv/flights.csv'),
    csv: { nullValues: ['NA'] },
    where: 'dep_delay > 5',
    limit: 99,
  },
  features: {
    features: {
      columns: flightsJob.features.features.columns.map((name) =>
        name.endsWith('_code') ? 'month' : name === 'plane_year' || name === 'seats' ? 'day' : name,
      ),
      nulls: 0,
    },
  },
  output: { path: 'out-csv', format: 'csv', keep: ['flight_id'], columns: { late: 'label' } },
};

/** Where the run of the only job would begin. */
async function startOf(cwd: string, ...args: readonly string[]): Promise<unknown> {
  const { stdout } = await nightshift(['plan', '--json', ...args], { cwd });
  return JSON.parse(stdout).jobs[0].start;
}

describe('plan', () => {
  it('tells all that a run would do, and touches nothing', async () => {
    await using folder = await temporaryFolder();
    await writeSpec(folder.path, { flights: { description: 'Who is late?', ...flightsJob }, csv: csvJob });
    const { exitCode, stdout, stderr } = await nightshift(['plan', ...fixed], { cwd: folder.path });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(`\n${stdout.replaceAll(root, '<root>')}\n`).toMatchInlineSnapshot(`
      "
      flights  Who is late?
        input      <root>/fixtures/flights/flights-1.parquet and 1 more
                   parquet, 12,028 rows, 269 KiB
        shards     24 shards over 12,028 rows, 479 to 512 each
        model      <root>/fixtures/models/late-flights.onnx  sha256 1b8864f493cd, 218 KiB
                   in   features float32[N, 14]
                   out  label int64[1], probabilities float32[N, 2]
        features   features  ← 14 columns as float32[N, 14], nulls become NaN
                               month, day, hour, minute, carrier_code, origin_code, dest_code
                               dep_delay, distance, plane_year, seats, temp, wind_speed, visib
        output     out  parquet, zstd
                   mode overwrite: nothing is published there yet
        keep       flight_id BIGINT
        predict    label int64, probabilities float32[2]
        to run     24 of 24: no commit
        workers    2 × 1 thread on cpu
        batch      100 rows, read ahead
        memory     about 561 MiB, 220 MiB a worker

      csv
        input      <root>/fixtures/flights-csv/flights.csv
                   csv, 3,000 rows, 319 KiB, copied to Parquet once
        where      dep_delay > 5
        limit      the first 99 rows that where keeps
        shards     1 shard of 404 rows
        model      <root>/fixtures/models/late-flights.onnx  sha256 1b8864f493cd, 218 KiB
                   in   features float32[N, 14]
                   out  label int64[1], probabilities float32[N, 2]
        features   features  ← 14 columns as float32[N, 14], nulls become 0
                               month, day, hour, minute, month, month, month, dep_delay, distance
                               day, day, temp, wind_speed, visib
        output     out-csv  csv
                   mode error: nothing is published there yet
        keep       flight_id BIGINT
        predict    late int64
        to run     1 of 1: no commit
        workers    1 × 1 thread on cpu
        batch      64 rows, read ahead
        memory     about 340 MiB, 220 MiB a worker
      "
    `);
    expect(await readdir(folder.path)).toEqual(['jobs.yaml']);
  });

  it('is what `run --dry-run` prints', async () => {
    await using folder = await temporaryFolder();
    await writeSpec(folder.path, { flights: flightsJob });
    const [plan, dry] = [['plan'], ['run', '--dry-run']].map((args) => nightshift(args, { cwd: folder.path }));
    expect(await dry).toEqual(await plan);
  });

  it('is one JSON document with --json', async () => {
    await using folder = await temporaryFolder();
    await writeSpec(folder.path, { digits: digitsJob, flights: flightsJob });
    const { stdout } = await nightshift(['plan', '--json', ...fixed], { cwd: folder.path });
    expect(JSON.parse(stdout)).toMatchObject({
      v: 1,
      spec: 'jobs.yaml',
      jobs: [
        {
          job: 'digits',
          input: { format: 'parquet', rowCount: 1797, rejectedLines: 0 },
          model: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/), inputs: [{ name: 'image', type: 'float32' }] },
          features: [{ input: 'image', columns: [{ name: 'pixels' }], innerShape: [1, 8, 8], nulls: 'reject' }],
          output: {
            path: join(folder.path, 'out-digits'),
            mode: 'overwrite',
            columns: [{ name: 'digit', type: 'int64' }],
          },
          execution: { workers: [{ device: 'cpu', intraOpThreads: 1 }], batchRows: 64 },
        },
        { job: 'flights', shards: { length: 24 }, rowCount: 12_028 },
      ],
    });
  });

  it('warns of texts that have to spell numbers, as validate does', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'digits.csv'), 'id,city\n1,Oslo\n2,Rome\n');
    const columns = flightsJob.features.features.columns.map(() => 'city');
    const job = { ...flightsJob, input: 'digits.csv', features: { features: columns } };
    await writeSpec(folder.path, { a: { ...job, output: { path: 'out', keep: ['id'], columns: { late: 'label' } } } });
    const text = 'column city is VARCHAR: every value must parse as float32, or its row is rejected';
    const inFolder = (...args: readonly string[]) => nightshift(args, { cwd: folder.path });
    const plan = await inFolder('plan');
    expect(plan.exitCode).toBe(0);
    expect(plan.stdout).toMatch(new RegExp(`^  warn +${text}$`, 'm'));
    expect(await inFolder('validate')).toEqual({ exitCode: 0, stdout: `ok a\nwarn a: ${text}`, stderr: '' });
    for (const command of ['plan', 'validate'])
      expect(JSON.parse((await inFolder(command, '--json')).stdout).jobs).toMatchObject([{ warnings: [text] }]);
  });

  it('warns of tokens in a batch of what is no text, as validate does', async () => {
    await using folder = await temporaryFolder();
    await writeSpec(folder.path, { a: digitsJob });
    const text = 'execution.batchTokens does not apply to this job: it has no texts';
    const inFolder = (...args: readonly string[]) => nightshift(args, { cwd: folder.path });
    for (const command of ['plan', 'validate']) {
      const shown = await inFolder(command, '--batch-tokens', '512');
      expect(shown).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/\bwarn\b/) });
      expect(shown.stdout).toContain(text);
      const { stdout } = await inFolder(command, '--json');
      expect(JSON.parse(stdout).jobs).toMatchObject([{ warnings: [] }]);
    }
  });

  it('says what the mode means for what is published now', async () => {
    await using folder = await temporaryFolder();
    await runJob(folder.path, digitsJob);
    expect(await startOf(folder.path)).toMatchObject({ state: 'new', publishedRunId: expect.any(String) });
    expect(await startOf(folder.path, '--set', 'output.mode=append')).toMatchObject({
      state: 'new',
      publishedParts: 1,
    });
    expect(await startOf(folder.path, '--set', 'output.mode=ignore')).toMatchObject({ state: 'skip' });
    expect(await startOf(folder.path, '--set', 'output.mode=error')).toMatchObject({
      state: 'refuse',
      error: { code: 'OUTPUT_EXISTS' },
    });
  });

  it('says of each shard whether it would run, and why, and leaves an unfinished run as it is', async () => {
    await using folder = await temporaryFolder();
    const cwd = folder.path;
    const input = await makeParquet(
      join(cwd, 'in.parquet'),
      'SELECT CASE i WHEN 7 THEN 9 ELSE 1 END AS x FROM range(8) t(i)',
    );
    const job = { model: typeModel('throws'), input, output: 'out', execution: { shardRows: 2, workersPerDevice: 1 } };
    expect((await runJob(cwd, job)).exitCode).toBe(3);
    const [run = ''] = await readdir(join(cwd, 'out/_nightshift/runs'));
    const inRun = (name: string) => join(cwd, 'out/_nightshift/runs', run, name);
    await rm(inRun('commits/00000.json'));
    await truncate(inRun('staging/part-00001.parquet'), 3);
    const toRun = async (...args: readonly string[]) =>
      (await nightshift(['plan', ...args], { cwd })).stdout.replaceAll(/^.*(?= {2}to run)|\n {2}workers.*$/gs, '');
    expect(await toRun()).toBe(
      [
        '  to run     2 of 4: 1 no commit; 1 part missing or changed (digest differs); 2 done',
        '             shard 0  runs: no commit',
        '             shard 1  runs: part missing or changed (digest differs)',
        '             shard 2  stays: done',
        '             shard 3  stays: done',
      ].join('\n'),
    );
    expect(await toRun('--limit', '2')).toBe('  to run     0 of 1: job changed: input.limit');
    const { stdout } = await nightshift(['run', '--dry-run', '--restart', '--json'], { cwd });
    expect(JSON.parse(stdout).jobs[0].shards.slice(0, 2)).toMatchObject([
      { shard: 0, index: 0, willRun: true, reason: 'no commit' },
      { shard: 1, index: 1, willRun: true, reason: 'discarded by --restart' },
    ]);
    await utimes(input, 1, 1);
    expect(await toRun()).toBe('  to run     0 of 4: input changed: in.parquet');
    for (const name of await readdir(inRun('commits'))) await rm(inRun(`commits/${name}`));
    expect(await toRun('--verbose')).toContain(
      '  to run     4 of 4: input changed: in.parquet\n             shard 0  runs: ',
    );
    expect(await readdir(join(cwd, 'out/_nightshift/runs'))).toEqual([run]);
  });

  it('says that nothing is left to score, in place of who would', async () => {
    await using folder = await temporaryFolder();
    const held = ['--set', 'checks=[min: {column: id, value: 1e9}]'];
    expect(await runJob(folder.path, digitsJob, held)).toMatchObject({ exitCode: 3 });
    const { stdout } = await nightshift(['plan', ...held], { cwd: folder.path });
    expect(stdout).toMatch(/^ {2}to run +0 of 1: done\n {2}workers +none: nothing is left to score$/m);
    expect(stdout).not.toMatch(/^ {2}(batch|memory|warmup|profile) /m);
  });

  it('tells of warmup and profile where the job asks for them', async () => {
    await using folder = await temporaryFolder();
    await writeSpec(folder.path, { digits: digitsJob });
    const plan = (...args: readonly string[]) => nightshift(['plan', ...args], { cwd: folder.path });
    const sets = ['--set', 'execution.warmup=1', '--set', 'execution.profile=true'];
    expect((await plan(...sets)).stdout).toMatch(
      /^ {2}warmup +1 batch a worker\n {2}profile +of each worker's first shard, in out-digits\/_nightshift\/runs\/<run>\/profile$/m,
    );
    expect((await plan()).stdout).not.toMatch(/^ {2}(warmup|profile) /m);
    const execution = async (...args: readonly string[]) =>
      JSON.parse((await plan('--json', ...args)).stdout).jobs[0].execution;
    expect(await execution(...sets)).toMatchObject({ warmup: 1, profile: true });
    expect(await execution()).toMatchObject({ warmup: 'auto', profile: false });
  });

  it('ends as the run would when that could not begin', async () => {
    await using folder = await temporaryFolder();
    await runJob(folder.path, digitsJob);
    const { exitCode, stdout, stderr } = await nightshift(['plan', '--set', 'output.mode=error'], { cwd: folder.path });
    expect(exitCode).toBe(2);
    expect(stdout).toContain('the run would stop: OUTPUT_EXISTS');
    expect(stderr).toMatch(/^error OUTPUT_EXISTS: .*\nhint: /);
  });
});
