import type { ExecutionOptions, Executor, ExecutorEvent, Slot } from './contract.ts';
import { EarlyWorker, type LocalOptions } from './early-worker.ts';
import { LocalRun } from './local-run.ts';

/** Child processes on this machine, one a slot. */
export class LocalExecutor implements Executor {
  readonly #options: LocalOptions;
  #early: EarlyWorker | undefined;
  #run: LocalRun | undefined;

  constructor(options: LocalOptions) {
    this.#options = options;
  }

  warmUp(slot: Slot): void {
    this.#early ??= new EarlyWorker(this.#options, slot);
  }

  execute(options: ExecutionOptions): AsyncIterable<ExecutorEvent> {
    this.#run = new LocalRun(this.#options, options, this.#early);
    return this.#run.events();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A worker that was never adopted has nothing to lose.
    if (this.#early?.isAdopted === false) this.#early.process.kill();
    await this.#run?.stop();
    await this.#early?.process.ended;
  }
}
