import { readdir, readFile, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { noticeSchema } from '../../src/telemetry/contract.ts';
import { digitsJob, flightsJob } from '../cli/flights-job.ts';
import { isGone } from '../telemetry/is-gone.ts';
import { closedPort, hang, listen, statuses } from '../telemetry/listener.ts';
import { holdingWorkers } from './holding-workers.ts';
import { eventsIn, type Finished, nightshift, runJobs, start, temporaryFolder, writeSpec } from './nightshift.ts';
import { hooks, noticeIn, pathSecret, pings, secret, telling } from './telling.ts';

async function nobody(): Promise<AsyncDisposable & { readonly url: string }> {
  return { url: closedPort, [Symbol.asyncDispose]: () => Promise.resolve() };
}

const missingInput = { ...digitsJob, input: 'nothing.parquet', output: 'out-missing' };

/** Nothing that was printed or is left behind has a secret in it. */
async function expectNoSecret(folder: string, { stdout, stderr }: Pick<Finished, 'stdout' | 'stderr'>): Promise<void> {
  const texts = [stdout, stderr];
  for (const file of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (file.isFile() && file.name !== 'jobs.yaml')
      texts.push(await readFile(join(file.parentPath, file.name), 'latin1'));
  for (const text of texts) {
    expect(text).not.toContain(pathSecret);
    expect(text).not.toContain(secret.slice('whsec_'.length));
  }
}

describe('a run', () => {
  it('that publishes tells a command, a webhook and a ping', async () => {
    await using folder = await temporaryFolder();
    await using server = await listen();
    await writeFile(join(folder.path, 'alert.sh'), '#!/bin/sh\ncat > "$1"\n', { mode: 0o755 });
    const { onSuccess, ...rest } = telling(server.url);
    const notify = { ...rest, onSuccess: [...onSuccess, { command: ['./alert.sh', 'got.json'] }] };
    const finished = await runJobs(folder.path, { digits: { ...digitsJob, notify } });
    expect(finished).toMatchObject({ exitCode: 0, stderr: '' });
    const [hook, ...others] = hooks(server);
    expect(others).toEqual([]);
    const headers = Object.fromEntries(
      Object.entries(hook?.headers ?? {}).map(([name, value]) => [name, String(value)]),
    );
    const notice = noticeSchema.parse(new Webhook(secret).verify(hook?.body ?? '', headers));
    expect(notice).toMatchObject({
      type: 'run-succeeded',
      job: 'digits',
      runId: finished.events[0]?.['runId'],
      specPath: join(folder.path, 'jobs.yaml'),
      outputPath: join(folder.path, 'out-digits'),
      exitCode: 0,
      rows: { in: 1797, out: 1797, rejected: 0, filtered: 0 },
      model: { path: digitsJob.model, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(noticeSchema.parse(JSON.parse(await readFile(join(folder.path, 'got.json'), 'utf8')))).toEqual(notice);
    expect(pings(server)).toEqual(['/start', '']);
    expect(new Set(server.heard.flatMap(({ path }) => /\?(rid=.*)/.exec(path)?.[1] ?? [])).size).toBe(1);
  });

  it.each([
    [
      'has too many rejects',
      { ...flightsJob, features: { features: { ...flightsJob.features.features, nulls: 'reject' } } },
      3,
      'REJECTS_OVER_LIMIT',
      ['/start', '/3'],
    ],
    ['has no input', missingInput, 4, 'INPUT_NOT_FOUND', ['/4']],
  ] as const)('that %s tells so', async (_what, job, exitCode, code, pinged) => {
    await using folder = await temporaryFolder();
    await using server = await listen();
    const finished = await runJobs(folder.path, { job: { ...job, notify: telling(server.url) } });
    expect(finished.exitCode).toBe(exitCode);
    expect(hooks(server).map(noticeIn)).toMatchObject([{ type: 'run-failed', exitCode, error: { code } }]);
    expect(pings(server)).toEqual(pinged);
    await expectNoSecret(folder.path, finished);
  });

  it.each([
    ['needs a variable that is not set', { input: { path: 'in.parquet', where: '${WHERE_NOT_SET}' } }],
    ['has a wrong cron', { schedule: { cron: '61 2 * * *' } }],
  ])('whose spec %s tells so, by the part that can be read', async (_what, change) => {
    await using folder = await temporaryFolder();
    await using server = await listen();
    const env = { PING_URL: telling(server.url).ping.url };
    const notify = { ...telling(server.url), ping: '${PING_URL}' };
    await writeSpec(folder.path, { digits: { ...digitsJob, notify, ...change } });
    for (const command of [['run'], ['schedule', 'run-due']]) {
      const args = [...command, 'jobs.yaml', 'digits'];
      expect(await nightshift(args, { cwd: folder.path, env })).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('error SPEC_INVALID: '),
      });
    }
    const told = { type: 'run-failed', job: 'digits', exitCode: 2, error: { code: 'SPEC_INVALID' } };
    expect(hooks(server).map(noticeIn)).toMatchObject([
      { ...told, trigger: 'manual' },
      { ...told, trigger: 'schedule' },
    ]);
    expect(pings(server)).toEqual(['/2', '/2']);
    for (const args of [
      ['run', 'jobs.yaml', 'digits', '--no-notify'],
      ['run', 'jobs.yaml', 'digist'],
      ['schedule', 'run-due', 'jobs.yaml', 'digits', '--dry-run'],
    ])
      expect((await nightshift(args, { cwd: folder.path, env })).exitCode).toBe(2);
    expect(pings(server)).toHaveLength(2);
  });

  it('of two jobs tells of each', async () => {
    await using folder = await temporaryFolder();
    await using server = await listen();
    const notify = telling(server.url);
    const jobs = { missing: { ...missingInput, notify }, digits: { ...digitsJob, notify } };
    expect((await runJobs(folder.path, jobs, ['--keep-going'])).exitCode).toBe(4);
    expect(hooks(server).map(noticeIn)).toMatchObject([
      { type: 'run-failed', job: 'missing', exitCode: 4 },
      { type: 'run-succeeded', job: 'digits', exitCode: 0 },
    ]);
    expect(pings(server)).toEqual(['/4', '/start', '']);
  });

  it.each([
    ['run --no-notify', ['run', '--no-notify'], 0],
    ['run --dry-run', ['run', '--dry-run'], 0],
    ['plan', ['plan'], 0],
    ['validate', ['validate'], 0],
    ['a run with a wrong option', ['run', '--resume', 'none', '--restart'], 2],
  ] as const)('is not told of by %s', async (_what, args, exitCode) => {
    await using folder = await temporaryFolder();
    await using server = await listen();
    await writeSpec(folder.path, { digits: { ...digitsJob, notify: telling(server.url) } });
    expect((await nightshift(args, { cwd: folder.path })).exitCode).toBe(exitCode);
    expect(server.heard).toEqual([]);
  });

  it('that finds its output locked leaves it to the one that holds it', async () => {
    await using folder = await temporaryFolder();
    await using server = await listen();
    await writeSpec(folder.path, { flights: { ...flightsJob, notify: telling(server.url) } });
    const holder = start(['run', '--json', '--no-notify'], { cwd: folder.path, env: holdingWorkers({ shards: '0' }) });
    await lineWith(holder.stdout, 'shard-started');
    const refused = await nightshift(['run'], { cwd: folder.path });
    holder.kill('SIGTERM');
    await holder;
    expect(refused.exitCode).toBe(75);
    expect(server.heard).toEqual([]);
  });
});

describe('a notice that does not arrive', () => {
  it.each([
    ['nobody is there', nobody, 'refused the connection'],
    ['the server fails', () => listen(statuses(500)), 'answered 500'],
    [
      'the server sends elsewhere',
      () => listen(statuses([307, { location: `/${pathSecret}` }])),
      'answered 307, a redirect',
    ],
  ] as const)('because %s changes no exit code, and is told without secrets', async (_what, open, answer) => {
    await using folder = await temporaryFolder();
    await using server = await open();
    const missing = join(folder.path, pathSecret, 'alert');
    const { onSuccess, ...rest } = telling(server.url, { attempts: 1 });
    const notify = { ...rest, onSuccess: [...onSuccess, { command: [missing, pathSecret] }] };
    const finished = await runJobs(folder.path, { digits: { ...digitsJob, notify } });
    expect(finished.exitCode).toBe(0);
    const failed = finished.events.filter(({ type }) => type === 'notice-failed');
    expect(failed).toMatchObject([
      { target: `ping ${server.url}`, notice: 'run-started', message: expect.stringContaining(answer) },
      { target: `ping ${server.url}`, notice: 'run-succeeded', message: expect.stringContaining(answer) },
      { target: `webhook ${server.url}`, notice: 'run-succeeded', message: expect.stringContaining(answer) },
      { target: 'command alert', notice: 'run-succeeded', message: 'there is no such program' },
    ]);
    await expectNoSecret(folder.path, finished);
    const quiet = await nightshift(['run', '--quiet'], { cwd: folder.path });
    expect(quiet).toMatchObject({ exitCode: 0, stdout: '' });
    expect(quiet.stderr).toContain(
      'digits  warning: command alert did not get the notice run-succeeded: there is no such program',
    );
    await expectNoSecret(folder.path, quiet);
    const verbose = await nightshift(['run', '-v'], { cwd: folder.path });
    await expectNoSecret(folder.path, verbose);
  });

  it('yet does not keep the run from scoring', async () => {
    await using folder = await temporaryFolder();
    // The start is answered when the run has ended, and not before.
    const late: ServerResponse[] = [];
    await using server = await listen((_n, response, { path }) => {
      if (path.includes('/start')) late.push(response);
      else for (const one of [...late.splice(0), response]) one.end();
    });
    const finished = await runJobs(folder.path, { digits: { ...digitsJob, notify: telling(server.url) } });
    expect(finished).toMatchObject({ exitCode: 0, stderr: '' });
    expect(finished.events.filter(({ type }) => type === 'notice-failed')).toEqual([]);
    expect(pings(server)).toEqual(['/start', '']);
    expect(server.heard.map(({ path }) => path.split('/')[1])).toEqual(['ping', 'hook', 'ping']);
  });
});

describe('a signal', () => {
  const job = { ...flightsJob, execution: { shardRows: 150, batchSize: 50 } };
  const startHeld = (cwd: string) => start(['run', '--json'], { cwd, env: holdingWorkers({ shards: '1' }) });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('%s is told of as a failure', async (signal, exitCode) => {
    await using folder = await temporaryFolder();
    await using server = await listen();
    await writeSpec(folder.path, { flights: { ...job, notify: telling(server.url) } });
    const run = startHeld(folder.path);
    await lineWith(run.stdout, 'shard-done');
    run.kill(signal);
    expect((await run).exitCode).toBe(exitCode);
    expect(hooks(server).map(noticeIn)).toMatchObject([
      { type: 'run-failed', exitCode, error: { code: 'INTERRUPTED', message: `stopped by ${signal}` } },
    ]);
    expect(pings(server)).toEqual(['/start', `/${exitCode}`]);
  });

  it('is not held up by a target that hangs for more than five seconds', async () => {
    await using folder = await temporaryFolder();
    await using server = await listen(hang);
    await writeSpec(folder.path, { flights: { ...job, notify: telling(server.url, { timeout: '60s' }) } });
    const run = startHeld(folder.path);
    await lineWith(run.stdout, 'shard-done');
    run.kill('SIGTERM');
    await lineWith(run.stdout, '"type":"error"');
    const began = performance.now();
    const finished = await run;
    expect(finished.exitCode).toBe(143);
    // Far less than the minute that the target would have.
    expect(performance.now() - began).toBeLessThan(30_000);
    const failed = eventsIn(finished).filter(({ type }) => type === 'notice-failed');
    expect(failed.map(({ notice, message }) => [notice, message])).toContainEqual(['run-failed', 'was given up']);
    await expectNoSecret(folder.path, finished);
  });

  it('given again stops at once, and takes a command along', async () => {
    await using folder = await temporaryFolder();
    await using server = await listen();
    const script = `#!/bin/sh\nexec ${process.execPath} -e 'process.on("SIGINT", () => {}); fetch("${server.url}/" + process.pid); setInterval(() => {}, 1000)'\n`;
    await writeFile(join(folder.path, 'alert.sh'), script, { mode: 0o755 });
    await writeSpec(folder.path, { flights: { ...job, notify: { onFailure: { command: './alert.sh' } } } });
    const run = startHeld(folder.path);
    await lineWith(run.stdout, 'shard-done');
    run.kill('SIGINT');
    await server.until(1);
    // One that comes within a third of a second is taken for the same.
    const again = setInterval(() => run.kill('SIGINT'), 100);
    const { exitCode, stdout } = await run;
    clearInterval(again);
    expect(exitCode).toBe(130);
    // Who waits until the command is given up says so.
    expect(stdout).not.toContain('notice-failed');
    const pid = Number(server.heard[0]?.path.slice(1));
    expect(pid).toBeGreaterThan(0);
    await expect.poll(() => isGone(pid), { timeout: 30_000 }).toBe(true);
  });
});

/** Resolves when a line with this text was printed. */
async function lineWith(stdout: NodeJS.ReadableStream, text: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  createInterface({ input: stdout })
    .on('line', (line) => line.includes(text) && resolve())
    .on('close', () => reject(new Error(`the run ended before it said ${text}`)));
  await promise;
}
