import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, messageOf } from '../core/errors.ts';
import { makePrivateFolder } from '../core/files.ts';
import type { RunLog } from './contract.ts';

/** The events of each run, in a file of its own; a run that goes on adds to it. */
export class RunLogs {
  readonly #folder: string;

  constructor(stateFolder: string) {
    this.#folder = join(stateFolder, 'logs');
  }

  path(runId: string): string {
    return join(this.#folder, `${runId}.ndjson`);
  }

  open(runId: string): RunLog {
    const path = this.path(runId);
    const file = writing(path, () => {
      makePrivateFolder(this.#folder);
      return openSync(path, 'a', 0o600);
    });
    return {
      // At once, so that whoever follows it sees it, and a kill loses none.
      write: (line) => void writing(path, () => writeSync(file, `${line}\n`)),
      [Symbol.dispose]: () => closeSync(file),
    };
  }

  remove(runId: string): void {
    rmSync(this.path(runId), { force: true });
  }
}

function writing<Result>(path: string, body: () => Result): Result {
  try {
    return body();
  } catch (error) {
    throw new AppError('HISTORY_UNAVAILABLE', `cannot write ${path}: ${messageOf(error)}`, {
      hint: 'check the folder and its permissions, or give --state-dir another one',
      cause: error,
    });
  }
}
