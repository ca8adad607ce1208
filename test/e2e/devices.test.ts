import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fakeSmi, migListing, oneCard, type SmiOutput } from '../executor/fake-smi.ts';
import { eventsIn, type Finished, nightshift, root, temporaryFolder, typeModel, writeSpec } from './nightshift.ts';

const job = {
  model: typeModel('float32'),
  input: join(root, 'fixtures/types/types.parquet'),
  features: { x: ['int8', 'int16'] },
  output: { path: 'out' },
};

interface Machine extends AsyncDisposable {
  readonly cwd: string;
  run(...args: readonly string[]): Promise<Finished>;
  /** CUDA_VISIBLE_DEVICES of every worker, as it was before anything native was loaded. */
  visibleDevices(): Promise<readonly (string | undefined)[]>;
}

/** A folder with a job, and a PATH with an nvidia-smi that shows the cards of a test. */
async function machineWith(smi: SmiOutput): Promise<Machine> {
  const folder = await temporaryFolder();
  const cwd = folder.path;
  await writeSpec(cwd, { job });
  const preload = join(cwd, 'preload.cjs');
  await writeFile(
    preload,
    `if (/worker.main\\.js$/.test(process.argv[1] ?? ''))
       require('node:fs').writeFileSync(\`${cwd}/worker-\${process.pid}.json\`, JSON.stringify(process.env));`,
  );
  const env = { PATH: await fakeSmi(cwd, smi), NODE_OPTIONS: `--require ${preload}` };
  return {
    cwd,
    run: (...args) => nightshift(['run', 'jobs.yaml', '--json', ...args], { cwd, env }),
    async visibleDevices() {
      const names = (await readdir(cwd)).filter((name) => name.startsWith('worker-'));
      const texts = await Promise.all(names.map((name) => readFile(join(cwd, name), 'utf8')));
      return texts.map((text) => visibleIn(JSON.parse(text)));
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

function visibleIn(env: unknown): string | undefined {
  const isEnv = typeof env === 'object' && env !== null && 'CUDA_VISIBLE_DEVICES' in env;
  return isEnv ? String(env.CUDA_VISIBLE_DEVICES) : undefined;
}

describe('a job on a GPU that this machine cannot use', () => {
  it('pins its worker by UUID and ends with the provider that is missing, never on the CPU', async () => {
    await using machine = await machineWith(oneCard);
    const { exitCode, stderr } = await machine.run('--set', 'execution.devices=cuda:0');
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(
      /error PROVIDER_UNAVAILABLE: the cuda execution provider cannot be loaded: .*\nhint: .*nightshift doctor/,
    );
    expect(await machine.visibleDevices()).toEqual(['GPU-5c1d2f7e-0b3a-9d4e-8f6c-1a2b3c4d5e6f']);
    await expect(readFile(join(machine.cwd, 'out/_SUCCESS'))).rejects.toThrow('ENOENT');
  });

  it('is chosen by auto all the same: a GPU that is there is meant to be used', async () => {
    await using machine = await machineWith(oneCard);
    const { exitCode, stderr } = await machine.run();
    expect(exitCode).toBe(4);
    expect(stderr).toContain('error PROVIDER_UNAVAILABLE');
  });

  it('scores on the CPU when execution.fallback says so, with a warning and in the record', async () => {
    await using machine = await machineWith(oneCard);
    const finished = await machine.run('--set', 'execution.devices=cuda:0', '--set', 'execution.fallback=cpu');
    expect(finished.exitCode).toBe(0);
    expect(eventsIn(finished)).toContainEqual(
      expect.objectContaining({
        type: 'warning',
        code: 'PROVIDER_UNAVAILABLE',
        message: expect.stringMatching(/cuda execution provider cannot be used on cuda:0/),
      }),
    );
    const manifest: unknown = JSON.parse(await readFile(join(machine.cwd, 'out/_nightshift/manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({ runs: [{ providers: ['cpu'] }] });
  });
});

describe('the devices that a job names', () => {
  it('must be there', async () => {
    await using machine = await machineWith(oneCard);
    const { exitCode, stderr } = await machine.run('--set', 'execution.devices=cuda:3');
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/^error DEVICE_UNAVAILABLE: device cuda:3 is not there: this machine has cuda:0$/m);
    expect(await machine.visibleDevices()).toEqual([]);
  });

  it('may be the slices of a card', async () => {
    await using machine = await machineWith({
      query: oneCard.query,
      listing: migListing.split('\n').slice(0, 3).join('\n'),
    });
    const { exitCode } = await machine.run('--set', 'execution.devices=cuda:1');
    expect(exitCode).toBe(4);
    expect(await machine.visibleDevices()).toEqual(['MIG-0a1b2c3d-aaaa-5bbb-8ccc-000000000002']);
  });

  it('hide every GPU from workers on the CPU', async () => {
    await using machine = await machineWith(oneCard);
    const { exitCode } = await machine.run('--set', 'execution.devices=cpu');
    expect(exitCode).toBe(0);
    const visible = await machine.visibleDevices();
    expect(visible.length).toBeGreaterThan(0);
    expect(new Set(visible)).toEqual(new Set(['']));
  });
});
