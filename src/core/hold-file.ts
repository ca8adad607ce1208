import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError, messageOf } from './errors.ts';
import { makePrivateFolder } from './files.ts';
import { isBusy, loadSqlite } from './sqlite.ts';

/**
 * Holds a file for this process until it is disposed of. The system lets go of it when the process dies, however it
 * dies: Node has no file locks of its own, and an open SQLite transaction is one.
 * @returns undefined when another process holds it
 * @throws AppError HISTORY_UNAVAILABLE
 */
export function holdFile(path: string): Disposable | undefined {
  const { DatabaseSync: Database } = loadSqlite();
  try {
    makePrivateFolder(dirname(path));
    closeSync(openSync(path, 'a', 0o600));
    const db = new Database(path);
    try {
      db.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
    } catch (error) {
      db.close();
      if (isBusy(error)) return undefined;
      throw error;
    }
    return { [Symbol.dispose]: () => db.close() };
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('HISTORY_UNAVAILABLE', `cannot hold ${path}: ${messageOf(error)}`, {
      hint: 'check the folder and its permissions, or give --state-dir another one',
      cause: error,
    });
  }
}
