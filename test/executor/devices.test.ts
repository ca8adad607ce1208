import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chooseDevices, findGpus, parseMigSlices } from '../../src/executor/devices.ts';
import { temporaryFolder } from '../e2e/nightshift.ts';
import { fakeSmi, migListing, plainListing } from './fake-smi.ts';

async function gpusOf(cards: Parameters<typeof fakeSmi>[1]) {
  await using folder = await temporaryFolder();
  const PATH = await fakeSmi(folder.path, cards);
  return await findGpus({ PATH });
}

describe('the GPUs that nvidia-smi shows', () => {
  it('are named by their order, with UUID and memory', async () => {
    expect(await gpusOf({ query: twoCards, listing: plainListing })).toEqual([
      {
        name: 'cuda:0',
        kind: 'cuda',
        uuid: 'GPU-5c1d2f7e-0b3a-9d4e-8f6c-1a2b3c4d5e6f',
        description: 'NVIDIA H100 80GB HBM3',
        memoryBytes: 81_559 * 2 ** 20,
      },
      {
        name: 'cuda:1',
        kind: 'cuda',
        uuid: 'GPU-77aa88bb-1111-2222-3333-444455556666',
        description: 'NVIDIA H100 80GB HBM3',
        memoryBytes: 81_559 * 2 ** 20,
      },
    ]);
  });

  it('count by their slices where MIG splits a card', async () => {
    const gpus = await gpusOf({ query: twoCards, listing: migListing });
    expect(gpus.map(({ name, uuid, description }) => ({ name, uuid, description }))).toEqual([
      {
        name: 'cuda:0',
        uuid: 'MIG-0a1b2c3d-aaaa-5bbb-8ccc-000000000001',
        description: 'NVIDIA H100 80GB HBM3 MIG 3g.40gb',
      },
      {
        name: 'cuda:1',
        uuid: 'MIG-0a1b2c3d-aaaa-5bbb-8ccc-000000000002',
        description: 'NVIDIA H100 80GB HBM3 MIG 1g.10gb+me',
      },
      { name: 'cuda:2', uuid: 'GPU-77aa88bb-1111-2222-3333-444455556666', description: 'NVIDIA H100 80GB HBM3' },
    ]);
  });

  it('are none where there is no nvidia-smi, and none where it shows none', async () => {
    await using folder = await temporaryFolder();
    expect(await findGpus({ PATH: folder.path })).toEqual([]);
    expect(await gpusOf({ query: '', listing: '' })).toEqual([]);
  });

  it('are an error where nvidia-smi fails, so that a broken driver does not pass for no GPU', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'nvidia-smi');
    await writeFile(
      path,
      '#!/bin/sh\necho "NVIDIA-SMI has failed because it couldn\'t communicate with the NVIDIA driver." >&2\nexit 9\n',
    );
    await chmod(path, 0o755);
    await expect(findGpus({ PATH: `${folder.path}:/bin:/usr/bin` })).rejects.toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
      message: expect.stringMatching(/nvidia-smi failed: .*couldn't communicate/),
      hint: expect.stringContaining('NVIDIA driver'),
    });
  });
});

describe('a listing of MIG slices', () => {
  it('gives each slice its card, profile and UUID', () => {
    expect(parseMigSlices(migListing)).toEqual([
      { card: '0', profile: '3g.40gb', uuid: 'MIG-0a1b2c3d-aaaa-5bbb-8ccc-000000000001' },
      { card: '0', profile: '1g.10gb+me', uuid: 'MIG-0a1b2c3d-aaaa-5bbb-8ccc-000000000002' },
    ]);
  });

  it('reads the UUIDs of older drivers, which have slashes', () => {
    const listing = [
      'GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-e86cb44c-6756-fd30-cd4a-1e6da3caf9b0)',
      '  MIG 2g.10gb Device 0: (UUID: MIG-GPU-e86cb44c-6756-fd30-cd4a-1e6da3caf9b0/5/0)',
    ].join('\n');
    expect(parseMigSlices(listing)).toEqual([
      { card: '0', profile: '2g.10gb', uuid: 'MIG-GPU-e86cb44c-6756-fd30-cd4a-1e6da3caf9b0/5/0' },
    ]);
  });

  it('has none for cards that are whole', () => {
    expect(parseMigSlices(plainListing)).toEqual([]);
  });
});

describe('the devices of a job', () => {
  it('are all GPUs, or the CPU where there is none, when they are chosen by auto', async () => {
    const gpus = await gpusOf({ query: twoCards, listing: plainListing });
    expect(chooseDevices('auto', gpus)).toEqual(gpus);
    expect(chooseDevices('auto', []).map((device) => device.name)).toEqual(['cpu']);
  });

  it('are every GPU and the CPU with all, and those named in their order', async () => {
    const gpus = await gpusOf({ query: twoCards, listing: plainListing });
    expect(chooseDevices('all', gpus).map((device) => device.name)).toEqual(['cuda:0', 'cuda:1', 'cpu']);
    expect(chooseDevices(['cpu', 'cuda:1'], gpus).map((device) => device.name)).toEqual(['cpu', 'cuda:1']);
  });

  it('that are not there are an error that says which are', async () => {
    const gpus = await gpusOf({ query: twoCards, listing: plainListing });
    expect(() => chooseDevices(['cuda:3'], gpus)).toThrow(
      expect.objectContaining({
        code: 'DEVICE_UNAVAILABLE',
        message: 'device cuda:3 is not there: this machine has cuda:0, cuda:1',
        exitCode: 4,
      }),
    );
    expect(() => chooseDevices(['cuda:0'], [])).toThrow('device cuda:0 is not there: nvidia-smi shows no GPU');
  });
});

const twoCards = [
  '0, GPU-5c1d2f7e-0b3a-9d4e-8f6c-1a2b3c4d5e6f, NVIDIA H100 80GB HBM3, 81559',
  '1, GPU-77aa88bb-1111-2222-3333-444455556666, NVIDIA H100 80GB HBM3, 81559',
  '',
].join('\n');
