import { readdirSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventsIn, makeParquet, nightshift, start, temporaryFolder, typeModel, writeSpec } from '../e2e/nightshift.ts';
import { elementType, intsAttribute, modelBytes, node, tensorInfo } from '../model/tiny-model.ts';
import { digitsJob, flightsJob, glossesJob } from './flights-job.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

const quick = ['--rows', '600', '--budget', '2s'];

function spawnOptions() {
  return { cwd: folder.path, env: { XDG_STATE_HOME: join(folder.path, 'state') } };
}

function tune(...args: readonly string[]) {
  return nightshift(['tune', ...args], spawnOptions());
}

/** Takes as long for one row as for hundreds, so that larger batches are better whatever else the machine does. */
function slowPerCall(): Uint8Array {
  return modelBytes({
    input: [tensorInfo('x', elementType.FLOAT, ['n', 1])],
    output: [tensorInfo('y', elementType.FLOAT, ['n', 1])],
    node: [
      node('RandomNormal', [], ['many'], [intsAttribute('shape', [50_000n])]),
      node('ReduceSum', ['many'], ['sum']),
      node('Sub', ['sum', 'sum'], ['nothing']),
      node('Add', ['x', 'nothing'], ['y']),
    ],
  });
}

/** Names of all files below the working folder, hidden ones too. */
async function files(): Promise<readonly string[]> {
  return (await readdir(folder.path, { recursive: true })).sort();
}

/** What is in the working folder when something was measured. */
function firstMeasurement(running: ReturnType<typeof start>): Promise<readonly string[]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
  createInterface({ input: running.stderr })
    .on('line', (line) => line.includes(' rows/s') && resolve(readdirSync(folder.path)))
    .on('close', () => reject(new Error('it ended before it had measured anything')));
  return promise;
}

describe('tune', () => {
  it('measures the present setting and others, and leaves what was there as it was', async () => {
    await writeSpec(folder.path, { flights: flightsJob });
    await nightshift(['run', '--limit', '1000', '--no-history'], spawnOptions());
    const before = await files();
    expect(before).toContain(join('out', '_SUCCESS'));
    const { exitCode, stdout, stderr } = await tune('jobs.yaml', 'flights', ...quick, '--json');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({ v: 1, job: 'flights', written: false });
    expect(document.rows % 600).toBe(0);
    expect(document.present.setting).toEqual({
      workersPerDevice: 'auto',
      intraOpThreads: 'auto',
      batchSize: 100,
      batchTokens: 'auto',
      readAhead: 'auto',
      graphOptimization: 'all',
    });
    expect(document.present.rates.length).toBeGreaterThanOrEqual(1);
    expect(document.measuredSettings).toBe(document.settings.length);
    expect(document.gridSettings).toBeGreaterThanOrEqual(document.measuredSettings);
    expect(document.present).toMatchObject({ batchRows: 100, peakBytes: expect.any(Number) });
    const { total, session, pack, read, write } = document.present.timings;
    expect(session + pack + read + write).toBeCloseTo(total, 1);
    expect(await files()).toEqual(before);
  });

  it('prints a table and what holds the job up, and its progress on stderr unless told not to', async () => {
    await writeSpec(folder.path, { digits: digitsJob });
    const { exitCode, stdout, stderr } = await tune(...quick);
    expect(exitCode).toBe(0);
    expect(stderr.split('\n')[0]).toMatch(/^each measurement scores 600 rows(, \d+ times)?$/);
    expect(stderr).toMatch(/^\d+ % +auto × auto, batch 64, ahead auto, all: [\d,]+ rows\/s$/m);
    expect(stdout).toMatch(
      /^digits {2}\d+ measurements? of \d+ of \d+ settings in [\d.]+ s\n\n {2}workers × threads {2}batch/,
    );
    expect(stdout).toMatch(/^. auto × auto .* rows|^. auto × auto .*█ .* MiB .*present$/m);
    expect(stdout).toMatch(/^of the workers' time .*ONNX Runtime (has )?\d+ %/m);
    expect((await tune(...quick, '--quiet')).stderr).toBe('');
  });

  it('writes what is better into the spec, whose comments and other jobs stay', async () => {
    await writeFile(join(folder.path, 'slow.onnx'), slowPerCall());
    await makeParquet(join(folder.path, 'in.parquet'), 'SELECT i::FLOAT AS x FROM range(600) t(i)');
    const job = JSON.stringify({ model: 'slow.onnx', input: { path: 'in.parquet' }, output: 'out' });
    const text = (size: string) => `# Rows one at a time.
version: 1
jobs:
  other: ${job} # stays
  slow:
    <<: ${job}
    execution:
      batchSize: ${size}   # on purpose
      # one of each
      workersPerDevice: 1
`;
    const path = join(folder.path, 'jobs.yaml');
    await writeFile(path, text('1'));
    const args = ['jobs.yaml', 'slow', '--budget', '15s', '--json', '--only', 'batchSize'];
    const dry = await tune(...args, '--dry-run');
    const { gain, noise, changes, diff } = JSON.parse(dry.stdout);
    expect(gain).toBeGreaterThan(noise);
    expect(changes.batchSize).toBeGreaterThan(1);
    expect(diff).toContain('-      batchSize: 1   # on purpose\n');
    expect(await readFile(path, 'utf8')).toBe(text('1'));
    const { exitCode, stdout } = await tune(...args, '--write');
    const written = JSON.parse(stdout);
    expect({ exitCode, written: written.written }).toEqual({ exitCode: 0, written: true });
    expect(await readFile(path, 'utf8')).toBe(text(String(written.changes.batchSize)));
    expect(Object.keys(written.changes)).toEqual(['batchSize']);
    expect(await tune(...args.slice(0, 2), ...quick, '--json')).toMatchObject({ exitCode: 0 });
  });

  it('finds how many tokens a batch of texts has', async () => {
    await writeSpec(folder.path, { glosses: { ...glossesJob, execution: { devices: 'cpu', batchTokens: 8 } } });
    const { exitCode, stdout } = await tune(
      '--rows',
      '400',
      '--budget',
      '12s',
      '--json',
      '--only',
      'batchTokens',
      '--write',
    );
    const { changes, settings, written, gridSettings } = JSON.parse(stdout);
    const tried = settings.map(({ setting }: { setting: { batchTokens: number } }) => setting.batchTokens);
    expect({ exitCode, gridSettings }).toEqual({ exitCode: 0, gridSettings: 7 });
    // How many of them a machine gets to in that time is its own affair.
    expect([8, 1024, 2048, 4096, 8192, 16_384, 32_768]).toEqual(expect.arrayContaining(tried));
    expect(tried).toContain(8);
    expect(tried.length).toBeGreaterThan(1);
    for (const { setting, batchTokens } of settings) expect(batchTokens).toBe(setting.batchTokens);
    // What is written depends on the machine, but it is what was found, and nothing else.
    const isBetter = changes.batchTokens !== undefined;
    expect({ written, keys: Object.keys(changes) }).toEqual({
      written: isBetter,
      keys: isBetter ? ['batchTokens'] : [],
    });
    const spec: unknown = JSON.parse(await readFile(join(folder.path, 'jobs.yaml'), 'utf8'));
    const execution = { devices: 'cpu', batchTokens: changes.batchTokens ?? 8 };
    expect(spec).toMatchObject({ jobs: { glosses: { execution } } });
  }, 120_000);

  it('says that the budget ended, in both ways to show it', async () => {
    await writeSpec(folder.path, { flights: flightsJob });
    const short = ['--rows', '600', '--budget', '0.1s', '--quiet'];
    const { stdout } = await tune(...short);
    expect(stdout).toMatch(/^the budget ended when \d+ of \d+ settings had been measured: give it --budget 5m$/m);
    expect(stdout).toContain('the present setting stays: there was no time to hold others against it');
    const document = JSON.parse((await tune(...short, '--json')).stdout);
    expect(document).toMatchObject({ complete: false, measuredSettings: 1, hint: 'give it --budget 5m' });
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('that is stopped by %s leaves nothing behind', async (signal) => {
    await writeSpec(folder.path, { flights: flightsJob });
    const before = await files();
    const running = start(['tune', '--budget', '40s'], spawnOptions());
    expect((await firstMeasurement(running)).some((name) => name.startsWith('.nightshift-'))).toBe(true);
    running.kill(signal);
    const { exitCode, stdout, stderr } = await running;
    expect({ exitCode, stdout }).toEqual({ exitCode: signal === 'SIGINT' ? 130 : 143, stdout: '' });
    expect(stderr).toContain(`stopped by ${signal}`);
    expect(await files()).toEqual(before);
  });

  it('that was killed leaves a folder which the next one, or clean, removes: not before, and no other', async () => {
    await writeSpec(folder.path, { flights: flightsJob, other: { ...flightsJob, output: 'other' } });
    await mkdir(join(folder.path, '.nightshift-of-somebody'));
    const before = await files();
    const clean = (output: string) => nightshift(['clean', output, '--json'], spawnOptions());
    for (const removes of [() => clean('out'), () => tune('jobs.yaml', 'flights', ...quick, '--only', 'readAhead')]) {
      const running = start(['tune', 'jobs.yaml', 'flights', '--budget', '40s'], spawnOptions());
      await firstMeasurement(running);
      expect(await clean('out')).toMatchObject({ exitCode: 4 });
      running.kill('SIGKILL');
      await running;
      expect(await files()).not.toEqual(before);
      expect(await clean('other')).toMatchObject({ exitCode: 4 });
      expect(await removes()).toMatchObject({ exitCode: 0 });
      expect(await files()).toEqual(before);
    }
  }, 60_000);

  it.each([
    [[], 'one job is tuned at a time, and jobs.yaml has 2'],
    [['jobs.yaml', 'flights', '--budget', 'long'], '--budget long: is not a duration'],
    [['jobs.yaml', 'flights', '--rows', '-3'], '--rows -3: is not a whole number'],
  ])('is refused with %j', async (args, message) => {
    await writeSpec(folder.path, { flights: flightsJob, digits: digitsJob });
    const before = await files();
    const { exitCode, stdout, stderr } = await tune(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(await files()).toEqual(before);
  });

  it.each([
    [{ maxRejected: '0.1%' }, 'REJECTS_OVER_LIMIT', 3],
    [{ maxRejected: '100%' }, 'USAGE', 2],
  ])('says so where no row of the sample can be scored, with %j', async (errors, code, exitCode) => {
    await makeParquet(join(folder.path, 'in.parquet'), 'SELECT NULL::FLOAT AS x FROM range(600) t(i)');
    await writeFile(join(folder.path, 'slow.onnx'), slowPerCall());
    await writeSpec(folder.path, { slow: { model: 'slow.onnx', input: 'in.parquet', output: 'out', errors } });
    const before = await files();
    const ended = await tune('--budget', '2s', '--json');
    expect(ended.exitCode).toBe(exitCode);
    expect(eventsIn(ended)).toMatchObject([
      {
        type: 'error',
        code,
        message: expect.stringMatching(/^no row of job slow could be scored: .* 600 .* row 0: .*x is null/),
      },
    ]);
    expect(await files()).toEqual(before);
    const { exitCode: ofRun } = await nightshift(['run', '--no-history'], spawnOptions());
    expect(ofRun).toBe(code === 'USAGE' ? 0 : exitCode);
  });

  it.each([
    ['batchTokens', 'flights', 'it has no texts'],
    ['batchSize', 'fixed', 'its model fixes how many rows a batch has: 4'],
  ])('is refused with --only %s where that says nothing of the job', async (key, job, reason) => {
    await makeParquet(join(folder.path, 'in.parquet'), 'SELECT i::FLOAT AS a, i::FLOAT AS b FROM range(9) t(i)');
    const fixed = {
      model: typeModel('fixed-batch'),
      input: 'in.parquet',
      features: { x: ['a', 'b'] },
      output: 'fixed',
    };
    await writeSpec(folder.path, { flights: flightsJob, fixed });
    const { exitCode, stdout, stderr } = await tune('jobs.yaml', job, ...quick, '--only', 'readAhead', key);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(
      `error USAGE: --only ${key}: does not apply to job ${job}: ${reason}\nhint: leave ${key} out`,
    );
  });

  it('ends as a run would where the present setting cannot score', async () => {
    const broken = { ...flightsJob, execution: { devices: 'cuda:7' } };
    await writeSpec(folder.path, { flights: broken });
    const { exitCode, stdout } = await tune(...quick, '--json');
    expect(exitCode).toBe(4);
    expect(eventsIn({ stdout })).toMatchObject([{ type: 'error', code: 'DEVICE_UNAVAILABLE' }]);
  });
});
