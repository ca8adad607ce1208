import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { holdingWorkers } from '../e2e/holding-workers.ts';
import { eventsIn, nightshift, start, temporaryFolder, writeSpec } from '../e2e/nightshift.ts';
import { digitsJob, flightsJob } from './flights-job.ts';

const history = ['--state-dir', 'state'];

async function recordedIn(cwd: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { stdout, stderr, exitCode } = await nightshift(['runs', 'list', '--json', ...history], { cwd });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout).runs;
}

describe('a run is recorded', () => {
  it('with what it was, what came of it and its log, for its owner alone', async () => {
    await using folder = await temporaryFolder();
    const cwd = folder.path;
    await writeSpec(cwd, { digits: digitsJob });
    const { exitCode, stdout, stderr } = await nightshift(['run', '--json', ...history], { cwd, env: { CI: 'true' } });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const events = eventsIn({ stdout });
    const published = events.find(({ type }) => type === 'run-published');
    const [run, ...others] = await recordedIn(cwd);
    expect(others).toEqual([]);
    expect(run).toMatchObject({
      ...{ runId: published?.['runId'], job: 'digits', state: 'published', exitCode: 0, rows: published?.['rows'] },
      ...{ spec: join(cwd, 'jobs.yaml'), output: join(cwd, 'out-digits'), shards: 1, resumed: false },
      ...{ model: { path: digitsJob.model, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } },
      ...{ startedBy: 'ci', trigger: 'manual', log: join(cwd, 'state/logs', `${published?.['runId']}.ndjson`) },
    });
    expect(run).not.toHaveProperty('error');
    const log = await readFile(String(run?.['log']), 'utf8');
    expect(eventsIn({ stdout: log })).toEqual(events.filter(({ type }) => type !== 'shard-progress'));
    const modes = ['state', 'state/history.sqlite', 'state/logs', String(run?.['log'])].map(
      async (path) => (await stat(path.startsWith('/') ? path : join(cwd, path))).mode & 0o777,
    );
    expect(await Promise.all(modes)).toEqual([0o700, 0o600, 0o700, 0o600]);
  });

  it('when it fails before it starts, each job once, and when there was nothing to do', async () => {
    await using folder = await temporaryFolder();
    const cwd = folder.path;
    const done = { ...digitsJob, output: { ...digitsJob.output, mode: 'ignore' } };
    await writeSpec(cwd, { bad: { ...digitsJob, model: 'no.onnx', output: 'out-bad' }, digits: done });
    for (let times = 0; times < 2; times++) await nightshift(['run', '--keep-going', ...history], { cwd });
    expect(await recordedIn(cwd)).toMatchObject([
      { job: 'digits', state: 'skipped', exitCode: 0 },
      { job: 'bad', state: 'failed', exitCode: 4, error: { code: 'MODEL_NOT_FOUND' }, output: join(cwd, 'out-bad') },
      { job: 'digits', state: 'published' },
      { job: 'bad', state: 'failed', exitCode: 4 },
    ]);
  });

  it('when its spec is wrong and the job was named; a mistake on the command line is not', async () => {
    await using folder = await temporaryFolder();
    const cwd = folder.path;
    await writeSpec(cwd, { digits: { ...digitsJob, modle: 'x' } });
    await nightshift(['run', 'jobs.yaml', 'digits', ...history], { cwd });
    await writeSpec(cwd, { digits: digitsJob });
    await nightshift(['run', 'jobs.yaml', 'digist', ...history], { cwd });
    await nightshift(['run', 'jobs.yaml', 'digits', '--wait', 'long', ...history], { cwd });
    expect(await recordedIn(cwd)).toMatchObject([
      { job: 'digits', state: 'failed', exitCode: 2, error: { code: 'SPEC_INVALID' }, spec: join(cwd, 'jobs.yaml') },
    ]);
  });

  it('as interrupted by a signal, and as going on', async () => {
    await using folder = await temporaryFolder();
    const cwd = folder.path;
    await writeSpec(cwd, { flights: flightsJob });
    const env = holdingWorkers({ shards: '1' });
    const run = start(['run', '--json', '--workers', '1', ...history], { cwd, env });
    run.stdout.on('data', (piece: Buffer) => {
      if (piece.toString().includes('"shard-done"')) run.kill('SIGTERM');
    });
    expect((await run).exitCode).toBe(143);
    await nightshift(['run', ...history], { cwd });
    const [second, first] = await recordedIn(cwd);
    expect(first).toMatchObject({
      state: 'interrupted',
      exitCode: 143,
      error: { code: 'INTERRUPTED' },
      resumed: false,
    });
    expect(second).toMatchObject({ state: 'published', resumed: true, runId: first?.['runId'], rows: { in: 12_028 } });
  });

  it('not at all with --no-history', async () => {
    await using folder = await temporaryFolder();
    await writeSpec(folder.path, { digits: digitsJob });
    await nightshift(['run', '--no-history', ...history], { cwd: folder.path });
    expect(await readdir(folder.path)).not.toContain('state');
  });
});

describe('a history that cannot be used', () => {
  const spoiled = async (cwd: string) => {
    await writeSpec(cwd, { bad: { ...digitsJob, model: 'no.onnx', output: 'out-bad' }, digits: digitsJob });
    await mkdir(join(cwd, 'state'));
    await writeFile(join(cwd, 'state/history.sqlite'), 'this is not a database, '.repeat(99));
  };

  it('costs a run one warning, whatever else happens', async () => {
    await using folder = await temporaryFolder();
    await spoiled(folder.path);
    const { exitCode, stderr } = await nightshift(['run', '--keep-going', ...history], { cwd: folder.path });
    expect(exitCode).toBe(4);
    expect(stderr.match(/HISTORY_UNAVAILABLE/g)).toHaveLength(1);
    expect(stderr).toMatch(
      /^bad {2}warning: cannot use .*history\.sqlite: .*without being recorded \(HISTORY_UNAVAILABLE\)$/m,
    );
    expect(stderr).toContain('digits  published');
  });

  it('is a warning event among the others with --json', async () => {
    await using folder = await temporaryFolder();
    await spoiled(folder.path);
    const args = ['run', 'jobs.yaml', 'digits', '--json', ...history];
    const { exitCode, stdout, stderr } = await nightshift(args, { cwd: folder.path });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const warnings = eventsIn({ stdout }).filter(({ type }) => type === 'warning');
    expect(warnings).toMatchObject([{ code: 'HISTORY_UNAVAILABLE', job: 'digits' }]);
  });

  it('still records the run when only its log cannot be written', async () => {
    await using folder = await temporaryFolder();
    const cwd = folder.path;
    await writeSpec(cwd, { digits: digitsJob });
    await mkdir(join(cwd, 'state'));
    await writeFile(join(cwd, 'state/logs'), 'in the way');
    const { exitCode, stderr } = await nightshift(['run', '--quiet', ...history], { cwd });
    expect(exitCode).toBe(0);
    expect(stderr.match(/HISTORY_UNAVAILABLE/g)).toHaveLength(1);
    expect(await recordedIn(cwd)).toMatchObject([{ state: 'published' }]);
  });

  it('is exit code 4 for who asks what ran', async () => {
    await using folder = await temporaryFolder();
    await spoiled(folder.path);
    const { exitCode, stdout, stderr } = await nightshift(['runs', 'list', ...history], { cwd: folder.path });
    expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: '' });
    expect(stderr).toContain('error HISTORY_UNAVAILABLE: cannot use ');
    expect(stderr).toContain('hint: move the file away');
  });
});

it('needs no home', async () => {
  await using folder = await temporaryFolder();
  await chmod(folder.path, 0o755);
  const env = { HOME: '', XDG_STATE_HOME: '', XDG_CACHE_HOME: '' };
  const { exitCode } = await nightshift(['runs', 'list', '--json'], { cwd: folder.path, env });
  // 4 where the history of whoever runs this is of another version: it was looked for there, and not here.
  expect([0, 4]).toContain(exitCode);
  expect(await readdir(folder.path)).toEqual([]);
});
