import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownIdentity } from '../../src/core/host.ts';
import { eventsIn, nightshift, start, temporaryFolder, writeSpec } from '../e2e/nightshift.ts';
import { digitsJob } from './flights-job.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
  await writeSpec(folder.path, { digits: digitsJob });
});
afterEach(() => folder[Symbol.asyncDispose]());

/** The lock of a run that lives as long as this test. */
async function plantLock(): Promise<string> {
  const path = join(folder.path, 'out-digits/_nightshift/lock');
  await mkdir(join(folder.path, 'out-digits/_nightshift'), { recursive: true });
  await writeFile(path, JSON.stringify({ ...ownIdentity(), since: '2026-01-02T03:04:05.000Z' }));
  return path;
}

const run = (...flags: readonly string[]) => ['run', 'jobs.yaml', ...flags];

/** Starts a run and gives it back once it says that it waits. */
async function startWaiting(...flags: readonly string[]) {
  const child = start(run('--json', ...flags), { cwd: folder.path });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (line.includes('"lock-waiting"')) break;
  }
  return { child, events: eventsIn({ stdout: lines.join('\n') }) };
}

describe('run --wait', () => {
  it('goes on when the other run leaves the lock, and tells once whom it waited for', async () => {
    const lock = await plantLock();
    const { child, events } = await startWaiting('--wait', '40s');
    expect(events).toEqual([
      expect.objectContaining({
        type: 'lock-waiting',
        job: 'digits',
        runId: '',
        output: join(folder.path, 'out-digits'),
        maxSeconds: 40,
        message: expect.stringContaining(`is locked by process ${process.pid} on `),
        holder: expect.objectContaining({ pid: process.pid, since: '2026-01-02T03:04:05.000Z' }),
      }),
    ]);
    await rm(lock);
    const { exitCode, stdout, stderr } = await child;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const types = eventsIn({ stdout }).map(({ type }) => type);
    expect(types.filter((type) => type === 'lock-waiting')).toHaveLength(1);
    expect(types.at(-1)).toBe('run-published');
  });

  it('exits 75 when the time is over, as it does at once without it', async () => {
    await plantLock();
    const { exitCode, stderr } = await nightshift(run('--wait', '0.3s'), { cwd: folder.path });
    expect(exitCode).toBe(75);
    expect(stderr.match(/waits up to 0\.3 s: /g)).toHaveLength(1);
    expect(stderr).toMatch(
      /^error LOCKED: .* since 2026-01-02T03:04:05\.000Z; waited 0\.3 s for it\nhint: wait until/m,
    );
    const impatient = await nightshift(run(), { cwd: folder.path });
    expect(impatient).toMatchObject({ exitCode: 75, stderr: expect.not.stringContaining('waits up to') });
  });

  it('stops at a signal', async () => {
    await plantLock();
    const { child } = await startWaiting('--wait', '1h');
    child.kill('SIGINT');
    expect(await child).toMatchObject({ exitCode: 130, stderr: expect.stringContaining('error INTERRUPTED: ') });
  });

  it('does not wait where nobody holds the lock', async () => {
    const { exitCode, stdout } = await nightshift(run('--json', '--wait', '1m'), { cwd: folder.path });
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain('lock-waiting');
  });

  it.each(['10', '10 minutes', '-1s', ''])('refuses the duration "%s"', async (wait) => {
    expect(await nightshift(run(`--wait=${wait}`), { cwd: folder.path })).toMatchObject({
      exitCode: 2,
      stderr: `error USAGE: --wait ${wait}: is not a duration with a unit of s, m or h\nhint: write for example \`--wait 10m\``,
    });
  });
});
