import type { Device, Slot } from './contract.ts';

export interface SlotOptions {
  readonly devices: readonly Device[];
  readonly workersPerDevice: number | 'auto';
  readonly intraOpThreads: number | 'auto';
  readonly cores: number;
  readonly memoryBytes: number;
  readonly modelBytes: number;
}

/** What a worker takes beside its model: Node, DuckDB, ONNX Runtime's arena, a shard's predictions. */
const workerBytes = 450 * 2 ** 20;
/** A loaded model takes about its file's size twice while it is optimised. */
const modelCopies = 2;

/**
 * Workers for devices, without oversubscribing cores. On the CPU: as many one-thread workers as cores, which measured
 * 1.8 times as fast as one worker with as many threads, or as many as fit in half of the memory. On a GPU: one each.
 */
export function planSlots(options: SlotOptions): readonly Slot[] {
  const { devices, cores, memoryBytes, modelBytes } = options;
  const gpuWorkers = options.workersPerDevice === 'auto' ? 1 : options.workersPerDevice;
  const gpuCount = devices.filter((device) => device.kind === 'cuda').length * gpuWorkers;
  const cpuCores = Math.max(1, cores - gpuCount);
  const fitting = Math.max(1, Math.floor(memoryBytes / 2 / (workerBytes + modelCopies * modelBytes)));
  const threads = options.intraOpThreads;
  const cpuWorkers =
    options.workersPerDevice === 'auto'
      ? Math.max(1, Math.min(fitting, threads === 'auto' ? cpuCores : Math.floor(cpuCores / threads)))
      : options.workersPerDevice;
  const slots = devices.flatMap((device) => {
    const isGpu = device.kind === 'cuda';
    const count = isGpu ? gpuWorkers : cpuWorkers;
    const intraOpThreads = threads !== 'auto' ? threads : isGpu ? 1 : Math.max(1, Math.floor(cpuCores / cpuWorkers));
    return Array.from({ length: count }, () => ({ device, intraOpThreads }));
  });
  return slots.map((slot, index) => ({ index, ...slot }));
}

/**
 * Whether reading ahead has a core to run on: with idle cores it gave 12 %, on saturated ones it cost 12 %.
 */
export function canReadAhead(slots: readonly Slot[], cores: number): boolean {
  const busy = slots.reduce((sum, slot) => sum + (slot.device.kind === 'cpu' ? slot.intraOpThreads : 1), 0);
  return busy < cores;
}
