import { execaNode } from 'execa';
import { AppError, isErrorCode } from '../core/errors.ts';
import { type FromWorker, fromWorkerSchema, type ToWorker, type WireError } from '../worker/protocol.ts';
import type { Slot } from './contract.ts';

const stderrKept = 2000;

/**
 * A deadline is counted in so many parts, and what has come is read between them: a while in which this process was
 * stopped, or got no time, is one part of it, and no worker is blamed for that.
 */
const deadlineParts = 4;

export interface WorkerOptions {
  /** Absolute path of the worker's entry. */
  readonly entry: string;
  readonly slot: Slot;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Nobody asked it to end; a signal is what others do to it, or what it did to itself by a crash. */
export interface WorkerDeath {
  readonly type: 'died';
  readonly error: AppError;
  readonly bySignal: boolean;
}
export type WorkerEnd = { readonly type: 'stopped' } | WorkerDeath;

/** One child process, pinned to its slot's device before anything native loads in it. */
export class WorkerProcess {
  readonly slot: Slot;
  readonly pid: number;
  readonly #child: ReturnType<typeof spawn>;
  readonly ended: Promise<WorkerEnd>;
  readonly #received: Promise<void>;
  #stopping = false;
  #verdict: AppError | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #partsLeft = deadlineParts;
  #stderr = '';

  constructor(options: WorkerOptions, onMessage: (message: FromWorker) => void) {
    this.slot = options.slot;
    this.#child = spawn(options);
    this.pid = this.#child.pid ?? 0;
    this.#received = this.#receive(onMessage);
    this.#child.stderr.on('data', (piece: Buffer) => {
      this.#stderr = (this.#stderr + piece.toString('utf8')).slice(-stderrKept);
    });
    this.ended = this.#watch();
    // Whoever waits for the end gets the failure; nobody may be waiting yet.
    this.ended.catch(() => undefined);
    this.#received.catch(() => this.kill());
  }

  send(message: ToWorker): void {
    // A worker that died between two messages is reported by `ended`, not here; execa may throw before it promises.
    const sent = new Promise<void>((resolve) => resolve(this.#child.sendMessage(message)));
    sent.catch(() => undefined);
  }

  /** Ends it after its batch; a shard that it is at comes to nothing. */
  stop(): void {
    this.#stopping = true;
    this.send({ type: 'cancel' });
    this.send({ type: 'stop' });
  }

  kill(): void {
    this.#stopping = true;
    this.#child.kill('SIGKILL');
  }

  /** From now on it is killed when it is not heard of for this long: its thread cannot speak while a batch has it. */
  work(batchTimeoutMs: number): void {
    this.#partsLeft = deadlineParts;
    this.#deadline = setInterval(() => {
      this.#partsLeft--;
      if (this.#partsLeft > 0) return;
      this.rest();
      this.#verdict = new AppError(
        'BATCH_TIMEOUT',
        `worker ${this.pid} on ${this.slot.device.name} was killed: a batch took longer than ${batchTimeoutMs / 1000} s`,
        { hint: 'raise execution.batchTimeout if the model is that slow, or lower execution.batchSize' },
      );
      this.#child.kill('SIGKILL');
    }, batchTimeoutMs / deadlineParts);
  }

  rest(): void {
    clearInterval(this.#deadline);
    this.#deadline = undefined;
  }

  async #receive(onMessage: (message: FromWorker) => void): Promise<void> {
    for await (const raw of this.#child.getEachMessage()) {
      this.#partsLeft = deadlineParts;
      this.#deadline?.refresh();
      onMessage(fromWorkerSchema.parse(raw));
    }
  }

  /** A worker has ended when its last message was read; what is wrong with a message is our own bug and thrown. */
  async #watch(): Promise<WorkerEnd> {
    const result = await this.#child;
    await this.#received;
    this.rest();
    if (this.#stopping) return { type: 'stopped' };
    if (this.#verdict !== undefined) return { type: 'died', error: this.#verdict, bySignal: true };
    const how = result.signal === undefined ? `exit code ${result.exitCode ?? 'unknown'}` : result.signal;
    const isMemory = result.signal === 'SIGKILL';
    const said = this.#stderr.trim().split('\n').at(-1) ?? '';
    const error = new AppError(
      'WORKER_CRASHED',
      `worker ${this.pid} on ${this.slot.device.name} died (${how})${said === '' ? '' : `: ${said}`}`,
      {
        hint: isMemory
          ? 'the kernel may have killed it for memory: see dmesg, and lower execution.workersPerDevice or batchSize'
          : 'try the same rows in plain onnxruntime; the model or a native library crashed',
      },
    );
    return { type: 'died', error, bySignal: result.signal !== undefined };
  }
}

function spawn({ entry, slot, env }: WorkerOptions) {
  const pinned = slot.device.kind === 'cuda' ? (slot.device.uuid ?? '') : '';
  return execaNode(entry, [], {
    ipc: true,
    serialization: 'json',
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    extendEnv: false,
    // A worker's own objects are few, but each tensor counts as memory outside: at the default size of the heap it would
    // be collected whole several times a second, beside the session. Much more would let tensors pile up uncollected.
    nodeOptions: ['--disable-warning=ExperimentalWarning', '--initial-old-space-size=64'],
    env: {
      ...env,
      CUDA_VISIBLE_DEVICES: pinned,
      CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
      OMP_NUM_THREADS: String(slot.intraOpThreads),
      // Texts are tokenized on one thread beside the session's, not on as many as the machine has cores.
      TOKENIZERS_PARALLELISM: 'false',
    },
    // Workers ignore the signals that a whole process group gets, so this is what ends them when the parent exits.
    killSignal: 'SIGKILL',
  } as const);
}

/** An error that crossed from a worker; a code that is not in the table is a bug and stays one. */
export function fromWire(error: WireError): AppError | Error {
  if (isErrorCode(error.code))
    return new AppError(error.code, error.message, error.hint === undefined ? {} : { hint: error.hint });
  const bug = new Error(error.message);
  if (error.stack !== undefined) bug.stack = error.stack;
  return bug;
}
