import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nightshift, temporaryFolder } from '../e2e/nightshift.ts';
import { fakeSmi, oneCard } from '../executor/fake-smi.ts';

interface Check {
  readonly name: string;
  readonly status: string;
  readonly text: string;
  readonly fix?: string;
}

/** Runs doctor in a folder of its own, with what a test adds to the environment. */
async function doctor(options: { readonly env?: Record<string, string>; readonly args?: readonly string[] } = {}) {
  await using folder = await temporaryFolder();
  const env = { XDG_STATE_HOME: folder.path, ...options.env };
  const finished = await nightshift(['doctor', '--json', ...(options.args ?? [])], { cwd: folder.path, env });
  const document: { v: number; ok: boolean; failures: number; checks: readonly Check[] } = JSON.parse(finished.stdout);
  return { ...finished, document, check: (name: string) => document.checks.find((check) => check.name === name) };
}

describe('nightshift doctor', () => {
  it('finds this machine fit: Node, the CPU provider and DuckDB really load', async () => {
    const { exitCode, stderr, document, check } = await doctor({ env: { PATH: process.env['PATH'] ?? '' } });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(document).toMatchObject({ v: 1, ok: true, failures: 0 });
    expect(check('node')?.status).toBe('ok');
    expect(check('provider cpu')).toMatchObject({ status: 'ok', text: 'loads and computes' });
    expect(check('duckdb')).toMatchObject({ status: 'ok', text: expect.stringMatching(/^v\d+\.\d+\.\d+ loads$/) });
    expect(check('tokenizers')).toMatchObject({
      status: 'ok',
      text: expect.stringMatching(/^tokenizers [\d.]+ loads$/),
    });
    expect(check('sharp')).toMatchObject({
      status: 'ok',
      text: expect.stringMatching(/^sharp [\d.]+, libvips \S+ loads$/),
    });
    expect(check('working folder')?.text).toMatch(/writable, .* GiB free$/);
  });

  it('gives every check that is not ok a fix, as lines for people', async () => {
    await using folder = await temporaryFolder();
    const { exitCode, stdout } = await nightshift(['doctor'], { cwd: folder.path });
    expect(exitCode).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    for (const [index, line] of lines.entries()) {
      expect(line).toMatch(/^(ok {2}|warn|FAIL) {2}[a-z]|^ +fix: \S/);
      if (/^(warn|FAIL)/.test(line)) expect(lines[index + 1]).toMatch(/^ +fix: /);
    }
  });

  it('fails where a GPU is there but its provider does not load, and says how to get the libraries', async () => {
    await using folder = await temporaryFolder();
    const { exitCode, stderr, check } = await doctor({ env: { PATH: await fakeSmi(folder.path, oneCard) } });
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/^error ENVIRONMENT_UNFIT: 1 check failed: provider cuda$/m);
    expect(check('gpus')).toMatchObject({ status: 'ok', text: 'cuda:0 NVIDIA H100 80GB HBM3, 80 GiB' });
    expect(check('provider cuda')).toMatchObject({
      status: 'fail',
      text: expect.stringMatching(
        /^not loaded, so the GPUs lie idle: libonnxruntime_providers_\w+\.so: cannot open shared object file/,
      ),
      fix: expect.stringMatching(/`ONNXRUNTIME_NODE_INSTALL=cuda12 node \S+onnxruntime-node\/script\/install\.js`/),
    });
  });

  it('only warns about CUDA where there is no GPU', async () => {
    const { check } = await doctor();
    expect(check('gpus')).toMatchObject({ status: 'ok', text: expect.stringMatching(/^none/) });
    expect(check('provider cuda')?.status).toBe('warn');
  });

  it('only warns of a library that some jobs alone need', async () => {
    const hook = `import{registerHooks}from'node:module';registerHooks({resolve(name,context,next){if(name==='sharp'||name==='tokenizers')throw new Error('none here');return next(name,context)}})`;
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` };
    const { exitCode, check } = await doctor({ env });
    expect(exitCode).toBe(0);
    const fix = expect.stringContaining('npm ci');
    const said = (whose: string) =>
      expect.stringMatching(new RegExp(`^not loaded, jobs with ${whose} fail: .*none here`));
    expect(check('tokenizers')).toMatchObject({ status: 'warn', text: said('texts'), fix });
    expect(check('sharp')).toMatchObject({ status: 'warn', text: said('images'), fix });
  });

  it('fails where nvidia-smi does', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'nvidia-smi');
    await writeFile(path, '#!/bin/sh\necho "Failed to initialize NVML: Driver/library version mismatch"\nexit 18\n');
    await chmod(path, 0o755);
    const { exitCode, check } = await doctor({ env: { PATH: `${folder.path}:${process.env['PATH'] ?? ''}` } });
    expect(exitCode).toBe(4);
    expect(check('gpus')).toMatchObject({
      status: 'fail',
      text: expect.stringContaining('version mismatch'),
      fix: expect.stringContaining('driver'),
    });
  });

  it('fails where the state folder cannot be made', async () => {
    const { exitCode, check } = await doctor({ args: ['--state-dir', '/dev/null/nightshift'] });
    expect(exitCode).toBe(4);
    expect(check('state folder')).toMatchObject({
      status: 'fail',
      text: expect.stringContaining('/dev/null is not a folder'),
      fix: expect.stringContaining('XDG_STATE_HOME'),
    });
  });

  it('changes nothing: the state folder is not made', async () => {
    await using folder = await temporaryFolder();
    const { check } = await doctor({ args: ['--state-dir', join(folder.path, 'a/b')] });
    expect(check('state folder')).toMatchObject({ status: 'ok', text: expect.stringContaining('can be made') });
    const { exitCode } = await nightshift(['inspect', 'a'], { cwd: folder.path });
    expect(exitCode).toBe(4);
  });

  it('finds cron where crontab and a daemon are, and warns of each that is missing', async () => {
    await using folder = await temporaryFolder();
    const { check } = await doctor({ env: { PATH: folder.path } });
    expect(check('cron')).toMatchObject({ status: 'warn', text: 'no crontab command' });
    const path = join(folder.path, 'crontab');
    await writeFile(path, '#!/bin/sh\n');
    await chmod(path, 0o755);
    const withCrontab = (await doctor({ env: { PATH: folder.path } })).check('cron');
    expect(withCrontab?.text.startsWith(path)).toBe(true);
  });
});
