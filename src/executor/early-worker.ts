import type { FromWorker } from '../worker/protocol.ts';
import type { Slot } from './contract.ts';
import { WorkerProcess } from './worker-process.ts';

export interface LocalOptions {
  /** Absolute path of the worker's entry. */
  readonly entry: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A worker that is up before there is anything to tell it; its messages go to whoever adopts it. */
export class EarlyWorker {
  readonly process: WorkerProcess;
  #receive: ((message: FromWorker) => void) | undefined;

  constructor({ entry, env }: LocalOptions, slot: Slot) {
    this.process = new WorkerProcess({ entry, env, slot }, (message) => this.#receive?.(message));
  }

  /** Nobody else would end it. */
  get isAdopted(): boolean {
    return this.#receive !== undefined;
  }

  adopt(receive: (message: FromWorker) => void): WorkerProcess {
    this.#receive = receive;
    return this.process;
  }
}

/** Whether a worker that was started for one slot can serve the other: the environment pins the device and threads. */
export function isSamePin(slot: Slot, other: Slot | undefined): boolean {
  return (
    slot.index === other?.index &&
    slot.device.name === other.device.name &&
    slot.intraOpThreads === other.intraOpThreads
  );
}
