import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { newModelReader } from '../../src/model/reader.ts';

it('refuses a pipe and a device rather than wait for their end', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nightshift-model-'));
  const pipe = join(folder, 'pipe.onnx');
  await execa('mkfifo', [pipe]);
  for (const path of [pipe, '/dev/zero'])
    await expect(newModelReader().read(path)).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: `model ${path} is neither a file nor a folder`,
    });
  await rm(folder, { recursive: true });
});
