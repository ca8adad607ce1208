/**
 * Every way in which nightshift can fail on purpose. One table gives each code its exit code and says
 * whether another attempt can help; the README prints the same table.
 */
export const errorTable = {
  USAGE: { exitCode: 2, retryable: false, meaning: 'an argument or option of the command line is wrong' },
  SPEC_NOT_FOUND: { exitCode: 2, retryable: false, meaning: 'the job spec does not exist or cannot be read' },
  SPEC_INVALID: { exitCode: 2, retryable: false, meaning: 'the job spec has an error, at the line and column named' },
  MODEL_INPUT_MISMATCH: { exitCode: 2, retryable: false, meaning: 'features and model signature do not fit together' },
  MODEL_OUTPUT_MISMATCH: {
    exitCode: 2,
    retryable: false,
    meaning: 'an output column asks for something the model does not give',
  },
  COLUMN_MISSING: { exitCode: 2, retryable: false, meaning: 'a column that the job names is not in the dataset' },
  PREDICATE_INVALID: { exitCode: 2, retryable: false, meaning: 'the SQL in input.where cannot be used' },
  OUTPUT_EXISTS: {
    exitCode: 2,
    retryable: false,
    meaning: 'output.mode is error and something is published there already',
  },
  FINGERPRINT_CHANGED: {
    exitCode: 2,
    retryable: false,
    meaning: 'an unfinished run exists, but its model, input or job changed since',
  },
  MODEL_NOT_FOUND: { exitCode: 4, retryable: false, meaning: 'the model file does not exist or cannot be read' },
  MODEL_INVALID: { exitCode: 4, retryable: false, meaning: 'the model file is not a model that ONNX Runtime loads' },
  MODEL_CHANGED: {
    exitCode: 4,
    retryable: false,
    meaning: 'the model is not the one that the run began with, or that the run to repeat was scored with',
  },
  LABELS_UNREADABLE: {
    exitCode: 4,
    retryable: false,
    meaning: 'a file of labels is missing, too large, or no JSON list or map of texts',
  },
  TOKENIZER_NOT_FOUND: { exitCode: 4, retryable: false, meaning: 'a tokenizer.json does not exist or cannot be read' },
  TOKENIZER_INVALID: {
    exitCode: 4,
    retryable: false,
    meaning: 'a tokenizer.json is not one that texts can be read with',
  },
  INPUT_NOT_FOUND: { exitCode: 4, retryable: false, meaning: 'no file matches input.path' },
  INPUT_UNREADABLE: {
    exitCode: 4,
    retryable: false,
    meaning: 'an input file is damaged, of another format, or may not be read',
  },
  INPUT_SCHEMA_MISMATCH: { exitCode: 4, retryable: false, meaning: 'the files of one dataset disagree about a column' },
  INPUT_CHANGED: {
    exitCode: 4,
    retryable: false,
    meaning: 'an input file was replaced while the run went on, or since the run to repeat',
  },
  OUTPUT_UNWRITABLE: { exitCode: 4, retryable: false, meaning: 'the output folder cannot be written' },
  OUTPUT_NOT_FOUND: { exitCode: 4, retryable: false, meaning: 'nothing that nightshift published is at that path' },
  DISK_FULL: { exitCode: 4, retryable: false, meaning: 'no space is left on the disk' },
  DEVICE_UNAVAILABLE: {
    exitCode: 4,
    retryable: false,
    meaning: 'a device that the job asks for is not on this machine',
  },
  PROVIDER_UNAVAILABLE: {
    exitCode: 4,
    retryable: false,
    meaning: 'an execution provider cannot be loaded; nothing falls back to CPU in silence',
  },
  DECODER_UNAVAILABLE: {
    exitCode: 4,
    retryable: false,
    meaning: 'the library that decodes images cannot be loaded',
  },
  TOKENIZERS_UNAVAILABLE: {
    exitCode: 4,
    retryable: false,
    meaning: 'the library that tokenizes texts cannot be loaded',
  },
  WORKER_START_FAILED: { exitCode: 4, retryable: false, meaning: 'no worker process could be started' },
  WORKER_CRASHED: { exitCode: 3, retryable: true, meaning: 'a worker process died while it scored a shard' },
  BATCH_TIMEOUT: { exitCode: 3, retryable: true, meaning: 'a batch took longer than execution.batchTimeout' },
  OUT_OF_MEMORY: {
    exitCode: 3,
    retryable: true,
    meaning: 'there was no memory to score even one row, or to read or write rows (4 where no shard is at fault)',
  },
  SESSION_FAILED: { exitCode: 3, retryable: false, meaning: 'ONNX Runtime failed on a batch' },
  SHARDS_FAILED: { exitCode: 3, retryable: false, meaning: 'some shards failed, so nothing was published' },
  REJECTS_OVER_LIMIT: {
    exitCode: 3,
    retryable: false,
    meaning: 'more rows were rejected than errors.maxRejected allows',
  },
  CHECKS_FAILED: { exitCode: 3, retryable: false, meaning: 'a check of the job failed, so nothing was published' },
  VERIFY_FAILED: { exitCode: 3, retryable: false, meaning: 'a published output does not agree with its manifest' },
  ENVIRONMENT_UNFIT: {
    exitCode: 4,
    retryable: false,
    meaning: 'doctor found something that keeps nightshift from running',
  },
  HISTORY_UNAVAILABLE: {
    exitCode: 4,
    retryable: false,
    meaning: 'the history of runs cannot be read or written; runs go on without it',
  },
  CACHE_UNAVAILABLE: {
    exitCode: 4,
    retryable: false,
    meaning: 'the cache of predictions, or of optimised models, cannot be read or written',
  },
  SCHEDULER_UNAVAILABLE: {
    exitCode: 4,
    retryable: false,
    meaning: 'no crontab or systemd manager is there that could call a timer',
  },
  SCHEDULE_NOT_FOUND: { exitCode: 2, retryable: false, meaning: 'no timer is installed for the spec or the job' },
  SCHEDULE_CHANGED: {
    exitCode: 75,
    retryable: true,
    meaning: 'somebody else changed the crontab or a unit in the same moment',
  },
  LOCKED: { exitCode: 75, retryable: true, meaning: 'another run holds the lock of this output' },
  INTERRUPTED: {
    exitCode: 130,
    retryable: true,
    meaning: 'the run was stopped by a signal (130 SIGINT, 143 SIGTERM, 129 SIGHUP, 142 its time was up)',
  },
} as const satisfies Record<string, { exitCode: number; retryable: boolean; meaning: string }>;

export type ErrorCode = keyof typeof errorTable;

export interface AppErrorOptions {
  /** The next command or edit, one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Machine-readable facts, JSON-safe, without secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Overrides the table, for signals: 130, 143 or 129. */
  readonly exitCode?: number;
}

/** An expected failure: its message says what failed, where, and the value. Anything else that is thrown is a bug. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  readonly exitCode: number;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
    this.exitCode = options.exitCode ?? errorTable[code].exitCode;
  }

  get retryable(): boolean {
    return errorTable[this.code].retryable;
  }
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code);
}

/** Exit code of anything thrown: a bug in nightshift is 1. */
export function exitCodeOf(error: unknown): number {
  return error instanceof AppError ? error.exitCode : 1;
}

/** What a message of an unknown thrown value is, for wrapping. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function assertNever(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
