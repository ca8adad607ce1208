import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OutputLock } from '../../src/checkpoint/lock.ts';
import { AppError } from '../../src/core/errors.ts';
import { ownIdentity } from '../../src/core/host.ts';
import { lockFile, metaFolder } from '../../src/plan/layout.ts';

/** What happens in between, once, after the next call of a function of node:fs/promises. */
const meanwhile = vi.hoisted(
  (): { after?: { readonly call: 'open' | 'readFile'; readonly act: () => Promise<void> } } => ({}),
);

vi.mock(import('node:fs/promises'), async (original) => {
  const real = await original();
  const interrupted = async (call: 'open' | 'readFile') => {
    const { after } = meanwhile;
    if (after?.call !== call) return;
    delete meanwhile.after;
    await after.act();
  };
  const open: typeof real.open = async (...args) => {
    const handle = await real.open(...args);
    await interrupted('open');
    return handle;
  };
  const readFile = new Proxy(real.readFile, {
    apply: async (target, self, args) => {
      const read: unknown = await Reflect.apply(target, self, args);
      await interrupted('readFile');
      return read;
    },
  });
  return { ...real, open, readFile };
});

const since = '2026-01-02T03:04:05.000Z';
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightshift-lock-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function plant(text: string): Promise<void> {
  await mkdir(join(folder, metaFolder), { recursive: true });
  await writeFile(join(folder, lockFile), text);
}

async function errorOfTaking(): Promise<AppError> {
  const thrown: unknown = await OutputLock.take(folder, since).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof AppError) return thrown;
  throw new Error('the lock was taken', { cause: thrown });
}

/** The pid of a process that has ended, and whose parent knows. */
async function deadPid(): Promise<number> {
  const child = execa(process.execPath, ['--version']);
  await child;
  return child.pid ?? 0;
}

describe('a lock that nobody holds', () => {
  it('is taken, names its holder, and leaves nothing when it is given back', async () => {
    {
      await using _lock = await OutputLock.take(folder, since);
      expect(JSON.parse(await readFile(join(folder, lockFile), 'utf8'))).toEqual({ ...ownIdentity(), since });
      expect(await readdir(join(folder, metaFolder))).toEqual(['lock']);
    }
    expect(await readdir(join(folder, metaFolder))).toEqual([]);
  });
});

describe('a lock that is held', () => {
  it('by a live process of this host is refused by pid, host and time', async () => {
    await using _lock = await OutputLock.take(folder, since);
    const error = await errorOfTaking();
    expect(error).toMatchObject({
      code: 'LOCKED',
      exitCode: 75,
      retryable: true,
      message: `${folder} is locked by process ${process.pid} on ${hostname()} since ${since}`,
      details: { pid: process.pid, host: hostname(), since },
    });
  });

  it('by another host is refused, since nobody can tell whether its process lives', async () => {
    await plant(JSON.stringify({ ...ownIdentity(), host: 'elsewhere', pid: 4, since }));
    const error = await errorOfTaking();
    expect(error.message).toBe(`${folder} is locked by process 4 on elsewhere since ${since}`);
    expect(error.hint).toBe(
      `wait until it ends, as \`nightshift run --wait 10m\` does; if elsewhere is gone for good, remove ${join(folder, lockFile)}`,
    );
  });

  it.each([
    ['a process that ended', async () => ({ pid: await deadPid() })],
    ['a process of an earlier boot', async () => ({ bootId: 'an-earlier-boot' })],
    ['another process that got the same pid', async () => ({ startTicks: '1' })],
  ])('by %s is taken over', async (_what, change) => {
    await plant(JSON.stringify({ ...ownIdentity(), since, ...(await change()) }));
    await using _lock = await OutputLock.take(folder, since);
    expect(JSON.parse(await readFile(join(folder, lockFile), 'utf8'))).toMatchObject(ownIdentity());
    expect(await readdir(join(folder, metaFolder))).toEqual(['lock']);
  });

  it.each([
    ['nothing', ''],
    ['half a record', '{"pid": 1'],
    ['something else', '[]'],
  ])('and was cut off while it was written, so that it holds %s, is taken over', async (_what, text) => {
    await plant(text);
    await using _lock = await OutputLock.take(folder, since);
    await expect(OutputLock.take(folder, since)).rejects.toMatchObject({ code: 'LOCKED' });
  });

  it('and whose takeover died halfway, as did the takeover of that, is taken over', async () => {
    const dead = JSON.stringify({ ...ownIdentity(), pid: await deadPid(), since });
    await plant(dead);
    await writeFile(join(folder, `${lockFile}.claim`), dead);
    await writeFile(join(folder, `${lockFile}.claim.claim`), dead);
    await using _lock = await OutputLock.take(folder, since);
    expect(await readdir(join(folder, metaFolder))).toEqual(['lock']);
  });

  it('and whose takeover died when the lock was gone, leaves no claim behind', async () => {
    await plant('');
    await rm(join(folder, lockFile));
    await writeFile(
      join(folder, `${lockFile}.claim`),
      JSON.stringify({ ...ownIdentity(), pid: await deadPid(), since }),
    );
    await using _lock = await OutputLock.take(folder, since);
    expect(await readdir(join(folder, metaFolder))).toEqual(['lock']);
  });

  it('by someone who took it over meanwhile is not removed by its earlier holder', async () => {
    const text = JSON.stringify({ ...ownIdentity(), host: 'elsewhere', since });
    {
      await using _lock = await OutputLock.take(folder, since);
      await plant(text);
    }
    expect(await readFile(join(folder, lockFile), 'utf8')).toBe(text);
  });
});

describe('a race', () => {
  it.each([
    { call: 'open', of: 'a free lock, lost while its winner writes', planted: undefined },
    { call: 'readFile', of: 'a dead lock, lost after it was read', planted: 'dead' },
  ] as const)('for $of has one winner', async ({ call, planted }) => {
    if (planted === 'dead') await plant(JSON.stringify({ ...ownIdentity(), pid: await deadPid(), since }));
    const other: OutputLock[] = [];
    meanwhile.after = { call, act: async () => void other.push(await OutputLock.take(folder, since)) };
    await expect(OutputLock.take(folder, since)).rejects.toMatchObject({ code: 'LOCKED' });
    expect(other).toHaveLength(1);
    expect(JSON.parse(await readFile(join(folder, lockFile), 'utf8'))).toEqual({ ...ownIdentity(), since });
  });

  it.each([
    ['for a free lock', async () => undefined],
    [
      'for the lock of a dead process',
      async () => plant(JSON.stringify({ ...ownIdentity(), pid: await deadPid(), since })),
    ],
    ['for a lock that was cut off', async () => plant('')],
  ])('%s has one winner', async (_what, prepare) => {
    for (let round = 0; round < 20; round++) {
      await prepare();
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => OutputLock.take(folder, since)));
      const locks = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
      expect(locks).toHaveLength(1);
      for (const result of results)
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'LOCKED' });
      for (const lock of locks) await lock[Symbol.asyncDispose]();
      expect(await readdir(join(folder, metaFolder))).toEqual([]);
    }
  });
});
