import { AppError } from '../core/errors.ts';
import { signalExitCode } from '../core/host.ts';
import { lostReaderExitCode, onLostReader } from './lost-reader.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGALRM'] as const;
type Signal = (typeof signals)[number];

/**
 * Who sends a signal to a whole process group often sends it to the process too (npm, `timeout`): that is one signal.
 * A person needs longer for a second one.
 */
const sameSignalMs = 300;

export interface InterruptionOptions {
  /** Is told of the first signal, to say what happens now. */
  readonly onFirst?: (signal: Signal) => void;
  /** What to do when it was interrupted. */
  readonly hint?: string;
}

/** Turns the first signal into an abort, and the second into an immediate exit. */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #listeners: readonly (readonly [Signal, () => void])[];
  readonly #lostReader: Disposable;
  readonly #options: InterruptionOptions;
  #firstMs = 0;
  #first: Signal | undefined;

  constructor(options: InterruptionOptions = {}) {
    this.#options = options;
    this.#listeners = signals.map((signal) => [signal, () => this.#interrupt(signal)]);
    for (const [signal, listener] of this.#listeners) process.on(signal, listener);
    this.#lostReader = onLostReader(() => this.#controller.abort(new LostReader()));
  }

  /** Its reason is the error that the command ends with. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The first signal, once there was one. */
  get received(): Signal | undefined {
    return this.#first;
  }

  #interrupt(signal: Signal): void {
    const exitCode = signalExitCode(signal);
    if (this.signal.aborted) {
      if (performance.now() - this.#firstMs < sameSignalMs) return;
      // Workers are killed as this process exits; what they had not committed is scored again next time.
      process.exit(exitCode);
    }
    this.#firstMs = performance.now();
    this.#first = signal;
    this.#options.onFirst?.(signal);
    const hint = this.#options.hint === undefined ? {} : { hint: this.#options.hint };
    this.#controller.abort(new AppError('INTERRUPTED', textOf(signal), { ...hint, exitCode }));
  }

  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
    this.#lostReader[Symbol.dispose]();
  }
}

function textOf(signal: Signal): string {
  return signal === 'SIGALRM' ? 'stopped, as its time was up' : `stopped by ${signal}`;
}

/** Nobody reads stdout any more: the run stops as for a signal, and in silence. */
export class LostReader extends AppError {
  constructor() {
    super('INTERRUPTED', 'stdout was closed', { exitCode: lostReaderExitCode });
  }
}
