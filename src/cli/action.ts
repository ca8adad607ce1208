import { type Io, processIo } from './io.ts';
import { showError } from './show-error.ts';

/** Runs a command's body: what it returns is the exit code, what it throws is shown as every command shows it. */
export async function runAction(flags: { readonly json?: boolean }, body: (io: Io) => Promise<number>): Promise<void> {
  const io = processIo();
  try {
    process.exitCode = await body(io);
  } catch (error) {
    process.exitCode = showError(io, error, flags.json === true);
  }
}
