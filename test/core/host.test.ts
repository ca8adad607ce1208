import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import {
  defaultStateFolder,
  isAlive,
  ownIdentity,
  signalExitCode,
  usableCores,
  usableMemoryBytes,
} from '../../src/core/host.ts';

describe('isAlive', () => {
  it('knows itself', () => {
    expect(isAlive(ownIdentity())).toBe(true);
  });

  it.each([
    ['another boot', { bootId: 'x' }],
    ['another start of the same pid', { startTicks: '1' }],
    ['a pid that nobody has', { pid: 2 ** 22 + 1 }],
  ])('tells %s apart', (_what, change) => {
    expect(isAlive({ ...ownIdentity(), ...change })).toBe(false);
  });

  it('cannot tell of another host', () => {
    expect(isAlive({ ...ownIdentity(), host: `not-${hostname()}` })).toBe('unknown');
  });

  it.runIf(process.platform === 'linux')('takes a process that ended and was never waited for as dead', async () => {
    // The shell becomes a program that waits for nobody, so that its child stays a zombie.
    const parent = execa('sh', ['-c', 'sleep 0.1 & echo $!; exec cat'], { reject: false });
    const [data] = await once(parent.stdout, 'data');
    const pid = Number(data);
    const stat = () => readFile(`/proc/${pid}/stat`, 'utf8').then((text) => text.split(') ')[1]?.split(' ') ?? []);
    await expect.poll(async () => (await stat())[0], { timeout: 30_000 }).toBe('Z');
    const startTicks = (await stat())[19] ?? '';
    expect(isAlive({ ...ownIdentity(), pid, startTicks })).toBe(false);
    parent.kill();
    await parent;
  });
});

describe('usableCores and usableMemoryBytes', () => {
  it('are what a process may use, at least something', () => {
    expect(usableCores()).toBeGreaterThanOrEqual(1);
    expect(usableMemoryBytes()).toBeGreaterThan(2 ** 20);
  });
});

describe('defaultStateFolder', () => {
  it.each([
    [{ XDG_STATE_HOME: '/state' }, '/state/nightshift'],
    [{ XDG_STATE_HOME: 'relative' }, join(homedir(), '.local/state/nightshift')],
    [{}, join(homedir(), '.local/state/nightshift')],
  ])('with %j is %s', (env, folder) => {
    expect(defaultStateFolder(env)).toBe(folder);
  });
});

describe('signalExitCode', () => {
  it('is what shells report', () => {
    expect([signalExitCode('SIGINT'), signalExitCode('SIGTERM'), signalExitCode('SIGHUP')]).toEqual([130, 143, 129]);
  });
});
