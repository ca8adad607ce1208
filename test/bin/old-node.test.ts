import { accessSync, constants } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, sep } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
let folder = '';
let bin = '';

/** A package of the bin alone, so that what lies in dist/ is up to each test. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightshift-bin-'));
  bin = join(folder, 'bin/nightshift.js');
  await mkdir(join(folder, 'bin'));
  await copyFile(join(root, 'bin/nightshift.js'), bin);
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function plantMain(source: string): Promise<void> {
  await mkdir(join(folder, 'dist/cli'), { recursive: true });
  await writeFile(join(folder, 'dist/cli/main.js'), source);
}

/** Runs the bin on this Node, which claims to be another version. */
async function runAs(version: string, node = process.execPath) {
  const preload = join(folder, 'preload.cjs');
  await writeFile(
    preload,
    `Object.defineProperty(process, 'version', { value: 'v${version}' });
     Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });`,
  );
  return await execa(node, ['--require', preload, bin], { reject: false });
}

/** The first Node on PATH that no node_modules folder brought along, if it is too old for us. */
async function findOldNode(): Promise<string | undefined> {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((entry) => !entry.includes(`${sep}node_modules`));
  const node = folders.map((entry) => join(entry, 'node')).find(isExecutable);
  if (node === undefined) return undefined;
  const { stdout } = await execa(node, ['--version']);
  const major = Number(/^v(\d+)/.exec(stdout)?.[1]);
  return major < 22 ? node : undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const oldNode = await findOldNode();

describe('bin/nightshift.js', () => {
  it.each(['12.22.12', '18.20.8', '20.20.2', '22.11.0'])('says in one line what to do on Node %s', async (version) => {
    await plantMain("throw new Error('main.js was loaded');");
    expect(await runAs(version)).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: `nightshift needs Node 22.12 or newer, this is v${version}: install one from https://nodejs.org`,
    });
  });

  it.skipIf(oldNode === undefined)('says so on the old Node of this machine too', async () => {
    const { exitCode, stderr } = await execa(oldNode ?? '', [bin], { reject: false });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^nightshift needs Node 22\.12 or newer, this is v[\d.]+: .+$/);
  });

  it.each(['22.12.0', '24.21.0', '100.0.0'])('starts dist/cli/main.js on Node %s', async (version) => {
    await plantMain("console.log('started');");
    expect(await runAs(version)).toMatchObject({ exitCode: 0, stdout: 'started', stderr: '' });
  });

  it('says in one line that a fresh clone is not built yet', async () => {
    expect(await execa(process.execPath, [bin], { reject: false })).toMatchObject({
      exitCode: 4,
      stderr: 'nightshift is not built, dist/cli/main.js is missing: run `npm run build`',
    });
  });

  it('does not hide that a module behind main.js is missing', async () => {
    await plantMain("import './missing.js';");
    const { exitCode, stderr } = await execa(process.execPath, [bin], { reject: false });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('missing.js');
  });
});
