import type { Device } from '../executor/contract.ts';

/** One thing that was looked at. */
export interface Finding {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly text: string;
  /** What to do about it; findings that are ok have none. */
  readonly fix?: string;
}

export interface DoctorRequest {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stateFolder: string;
  readonly workingFolder: string;
  readonly temporaryFolder: string;
  /** Absolute path of the worker's probe. */
  readonly probeEntry: string;
  /** @throws AppError when GPUs cannot be looked for */
  readonly findGpus: () => Promise<readonly Device[]>;
  readonly now: Date;
}
