import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface SmiOutput {
  /** What `--query-gpu=index,uuid,name,memory.total` prints. */
  readonly query: string;
  /** What `-L` prints. */
  readonly listing: string;
}

export const oneCard: SmiOutput = {
  query: '0, GPU-5c1d2f7e-0b3a-9d4e-8f6c-1a2b3c4d5e6f, NVIDIA H100 80GB HBM3, 81559\n',
  listing: 'GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-5c1d2f7e-0b3a-9d4e-8f6c-1a2b3c4d5e6f)\n',
};

export const plainListing = [
  'GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-5c1d2f7e-0b3a-9d4e-8f6c-1a2b3c4d5e6f)',
  'GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-77aa88bb-1111-2222-3333-444455556666)',
  '',
].join('\n');

/** The first card is split, the second is whole. */
export const migListing = [
  'GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-5c1d2f7e-0b3a-9d4e-8f6c-1a2b3c4d5e6f)',
  '  MIG 3g.40gb     Device  0: (UUID: MIG-0a1b2c3d-aaaa-5bbb-8ccc-000000000001)',
  '  MIG 1g.10gb+me  Device  1: (UUID: MIG-0a1b2c3d-aaaa-5bbb-8ccc-000000000002)',
  'GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-77aa88bb-1111-2222-3333-444455556666)',
  '',
].join('\n');

/** Puts an `nvidia-smi` into a folder. @returns a PATH with that folder first */
export async function fakeSmi(folder: string, { query, listing }: SmiOutput): Promise<string> {
  await writeFile(join(folder, 'smi-query'), query);
  await writeFile(join(folder, 'smi-listing'), listing);
  const path = join(folder, 'nvidia-smi');
  await writeFile(
    path,
    `#!/bin/sh\ncase "$1" in\n-L) cat '${folder}/smi-listing';;\n--query-gpu=*) cat '${folder}/smi-query';;\n*) exit 2;;\nesac\n`,
  );
  await chmod(path, 0o755);
  return `${folder}:${process.env['PATH'] ?? ''}`;
}
