import { AppError } from '../core/errors.ts';
import type { RunEvent, RunEventBody } from './events.ts';
import type { Ports } from './ports.ts';

/** A lock is looked at again after so long even when nothing told that it changed. */
const recheckMs = 2000;

export interface LockOptions {
  readonly outputFolder: string;
  /** How long to wait for another run to leave the lock. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
  readonly event: (body: RunEventBody) => RunEvent;
}

export interface TakenLock extends AsyncDisposable {
  /** Another run may have changed what was known before. */
  readonly hasWaited: boolean;
}

/**
 * Takes the lock of an output, and tells once whom it waits for.
 * @throws AppError LOCKED when it is held to the end; the signal's reason
 */
export async function* takeLock(
  ports: Ports,
  { outputFolder, waitMs, signal, event }: LockOptions,
): AsyncGenerator<RunEvent, TakenLock> {
  const startedMs = ports.now().getTime();
  for (let hasWaited = false; ; hasWaited = true) {
    const taken = await tryLock(ports, outputFolder);
    if (!(taken instanceof AppError))
      return { hasWaited, [Symbol.asyncDispose]: async () => taken[Symbol.asyncDispose]() };
    const leftMs = startedMs + waitMs - ports.now().getTime();
    if (leftMs <= 0) throw hasWaited ? stillLocked(taken, waitMs) : taken;
    if (!hasWaited) {
      const { message, details } = taken;
      yield event({ type: 'lock-waiting', output: outputFolder, maxSeconds: waitMs / 1000, message, holder: details });
    }
    await ports.store.lockChange(outputFolder, { maxMs: Math.min(leftMs, recheckMs), signal });
  }
}

async function tryLock(ports: Ports, outputFolder: string): Promise<AsyncDisposable | AppError> {
  try {
    return await ports.store.lock(outputFolder, ports.now().toISOString());
  } catch (error) {
    if (error instanceof AppError && error.code === 'LOCKED') return error;
    throw error;
  }
}

function stillLocked({ message, hint, details }: AppError, waitMs: number): AppError {
  return new AppError('LOCKED', `${message}; waited ${waitMs / 1000} s for it`, {
    ...(hint === undefined ? {} : { hint }),
    details,
  });
}
