import { execa } from 'execa';
import { AppError, messageOf } from '../core/errors.ts';
import type { Device } from './contract.ts';

const cpu: Device = { name: 'cpu', kind: 'cpu', uuid: undefined, description: 'CPU', memoryBytes: undefined };

/**
 * GPUs that `nvidia-smi` lists, in its order; a card that is split into MIG slices counts as its slices.
 * None when there is no nvidia-smi.
 */
export async function findGpus(env: Readonly<Record<string, string | undefined>>): Promise<readonly Device[]> {
  const query = await runSmi(['--query-gpu=index,uuid,name,memory.total', '--format=csv,noheader,nounits'], env);
  if (query === undefined) return [];
  const cards = query.split('\n').flatMap((line) => {
    const [index, uuid, name, mebibytes] = line.split(',').map((field) => field.trim());
    return index === undefined || uuid === undefined || uuid === ''
      ? []
      : [{ index, uuid, name: name ?? 'GPU', memoryBytes: Number(mebibytes) * 2 ** 20 }];
  });
  const slices = parseMigSlices((await runSmi(['-L'], env)) ?? '');
  const devices = cards.flatMap((card): Omit<Device, 'name'>[] => {
    const own = slices.filter((slice) => slice.card === card.index);
    if (own.length === 0)
      return [{ kind: 'cuda', uuid: card.uuid, description: card.name, memoryBytes: card.memoryBytes }];
    return own.map((slice) => ({
      kind: 'cuda',
      uuid: slice.uuid,
      description: `${card.name} MIG ${slice.profile}`,
      memoryBytes: undefined,
    }));
  });
  return devices.map((device, index) => ({ ...device, name: `cuda:${index}` }));
}

/** `nvidia-smi -L` lists slices under their card: `  MIG 1g.10gb  Device  0: (UUID: MIG-…)`. */
export function parseMigSlices(
  listing: string,
): readonly { readonly card: string; readonly profile: string; readonly uuid: string }[] {
  let card = '';
  return listing.split('\n').flatMap((line) => {
    card = /^GPU (\d+):/.exec(line)?.[1] ?? card;
    const [, profile, uuid] = /^\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (MIG-[^)]+)\)/.exec(line) ?? [];
    return profile === undefined || uuid === undefined ? [] : [{ card, profile, uuid }];
  });
}

/**
 * The devices that a job asks for.
 * `auto` is every GPU if there is one, else the CPU; `all` is every GPU and the CPU.
 * @throws AppError DEVICE_UNAVAILABLE for one that is not there; nothing falls back to the CPU
 */
export function chooseDevices(wanted: 'auto' | 'all' | readonly string[], gpus: readonly Device[]): readonly Device[] {
  if (wanted === 'auto') return gpus.length > 0 ? gpus : [cpu];
  if (wanted === 'all') return [...gpus, cpu];
  return wanted.map((name) => {
    const device = name === 'cpu' ? cpu : gpus.find((gpu) => gpu.name === name);
    if (device !== undefined) return device;
    const have =
      gpus.length === 0 ? 'nvidia-smi shows no GPU' : `this machine has ${gpus.map((gpu) => gpu.name).join(', ')}`;
    throw new AppError('DEVICE_UNAVAILABLE', `device ${name} is not there: ${have}`, {
      hint: 'see `nightshift doctor`, or set execution.devices: auto',
    });
  });
}

async function runSmi(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const result = await execa('nvidia-smi', args, {
    reject: false,
    timeout: 10_000,
    env,
    extendEnv: false,
    stdin: 'ignore',
  });
  if (result.failed) {
    // Not installed, or not for this user, is an answer; installed and failing is a broken driver, which must not pass
    // for "no GPU".
    if (result.code === 'ENOENT' || result.code === 'EACCES') return undefined;
    throw new AppError('DEVICE_UNAVAILABLE', `nvidia-smi failed: ${result.stderr || messageOf(result)}`.trim(), {
      hint: 'mend the NVIDIA driver, or set execution.devices: cpu',
    });
  }
  return result.stdout;
}
