import type { OutputStore } from '../checkpoint/contract.ts';
import type { DatasetFormat, DatasetReader, RowProfiler, TableComparer, TableMeasurer } from '../dataset/contract.ts';
import type { RejectReplayer } from '../dataset/replay-contract.ts';
import type { Device, Executor, Slot } from '../executor/contract.ts';
import type { ModelReader, TokenizerReader } from '../model/contract.ts';
import type { Caches } from './caches.ts';

/** A folder that goes, with all in it, when it is disposed of. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
  /** Makes a folder in it. @returns its path */
  readonly make: (name: string) => Promise<string>;
}

/** All that a use case needs of the world, so that tests can put another clock or executor in. */
export interface Ports {
  readonly dataset: DatasetReader;
  readonly profileRows: RowProfiler;
  /** Rows of one published file, counted by reading it. */
  readonly countRows: (path: string, format: DatasetFormat) => Promise<number>;
  /** Rows that a file of rejects stands for. */
  readonly countRejects: (path: string) => Promise<number>;
  readonly compareTables: TableComparer;
  readonly measureTable: TableMeasurer;
  readonly rejects: RejectReplayer;
  readonly models: ModelReader;
  readonly tokenizers: TokenizerReader;
  readonly store: OutputStore;
  readonly caches: Caches;
  /** @throws AppError DEVICE_UNAVAILABLE */
  readonly findDevices: (wanted: 'auto' | 'all' | readonly string[]) => Promise<readonly Device[]>;
  readonly planSlots: (options: {
    devices: readonly Device[];
    workersPerDevice: number | 'auto';
    intraOpThreads: number | 'auto';
    modelBytes: number;
  }) => readonly Slot[];
  readonly newExecutor: () => Executor;
  /** Whether these slots leave a core to read ahead with. */
  readonly canReadAhead: (slots: readonly Slot[]) => boolean;
  readonly now: () => Date;
  /** Some hex digits that no other run has. */
  readonly randomId: () => string;
  /** A folder of its own that goes when it is disposed of: beside a path, which need not be there, else where the system has such folders. */
  readonly temporaryFolder: (beside?: string) => Promise<TemporaryFolder>;
  /** Cores that workers may use. */
  readonly cores: number;
  readonly version: string;
}
