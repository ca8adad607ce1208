import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { sendToCommand } from '../../src/telemetry/command-notice.ts';
import { temporaryFolder } from '../e2e/nightshift.ts';
import { isGone } from './is-gone.ts';
import { around, failure } from './notices.ts';

const { signal } = around();
const patient = { timeout: 30_000 };

async function withScript(...lines: readonly string[]) {
  const folder = await temporaryFolder();
  await writeFile(join(folder.path, 'alert.sh'), ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
  return folder;
}

describe('a command', () => {
  it('gets the notice on its stdin, in the folder of the spec, and its arguments as they are', async () => {
    await using folder = await withScript('cat > got.json', 'printf "%s|" "$@" > args');
    const sent = await sendToCommand(['./alert.sh', 'a b', '$HOME', ''], failure, { folder: folder.path, signal });
    expect(sent).toEqual({ isDelivered: true, answer: 'exit code 0' });
    expect(JSON.parse(await readFile(join(folder.path, 'got.json'), 'utf8'))).toEqual(failure);
    expect(await readFile(join(folder.path, 'args'), 'utf8')).toBe('a b|$HOME||');
  });

  it.each([
    [['./alert.sh'], ['exit 7'], 'exit code 7'],
    [['./alert.sh'], ['kill -TERM $$'], 'was ended by SIGTERM'],
    [['./other.sh', 's3cret'], [], 'there is no such program'],
    [['.'], [], 'may not be run'],
  ])('%j that does %j is said to have failed, without its arguments', async (words, lines, answer) => {
    await using folder = await withScript(...lines);
    expect(await sendToCommand(words, failure, { folder: folder.path, signal })).toEqual({
      isDelivered: false,
      answer,
    });
  });

  it('need not read its stdin', async () => {
    await using folder = await withScript('exec true');
    const long = { ...failure, error: { code: 'SHARDS_FAILED', message: 'x'.repeat(1_000_000) } };
    expect(await sendToCommand(['./alert.sh'], long, { folder: folder.path, signal })).toMatchObject({
      isDelivered: true,
    });
  });

  it('that hangs is killed with what it started', async () => {
    await using folder = await withScript('sleep 600 &', 'echo $! $$ > pids', 'wait');
    const pids = join(folder.path, 'pids');
    // A shell that had no time to write them gets more.
    for (let timeoutMs = 500; !existsSync(pids); timeoutMs *= 2) {
      const sent = await sendToCommand(['./alert.sh'], failure, { folder: folder.path, signal, timeoutMs });
      expect(sent).toEqual({ isDelivered: false, answer: `was killed after ${timeoutMs / 1000} s` });
    }
    await expectGone(pids);
  });

  it('is killed with what it started when the sender has no more time', async () => {
    await using folder = await withScript('sleep 600 &', 'echo $! $$ > pids', 'wait');
    const patience = new AbortController();
    const options = { folder: folder.path, signal: patience.signal };
    const sent = sendToCommand(['./alert.sh'], failure, options);
    const pids = join(folder.path, 'pids');
    await vi.waitFor(async () => expect(await readFile(pids, 'utf8')).toMatch(/\n/), patient);
    patience.abort();
    expect(await sent).toEqual({ isDelivered: false, answer: 'was given up' });
    await expectGone(pids);
  });

  it('is heard where somebody listens', async () => {
    await using folder = await withScript('echo out', 'echo err >&2');
    let output = '';
    const onOutput = (text: string) => {
      output += text;
    };
    await sendToCommand(['./alert.sh'], failure, { folder: folder.path, signal, onOutput });
    expect(output.split('\n').sort()).toEqual(['', 'err', 'out']);
  });
});

async function expectGone(file: string): Promise<void> {
  const pids = (await readFile(file, 'utf8')).trim().split(' ').map(Number);
  expect(pids).toHaveLength(2);
  await vi.waitFor(() => expect(pids.filter((pid) => !isGone(pid))).toEqual([]), patient);
}
