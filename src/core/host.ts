import { readFileSync } from 'node:fs';
import { availableParallelism, constants, homedir, hostname, totalmem } from 'node:os';
import { join } from 'node:path';

/** The process environment; no other file reads it. */
export function environment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/** Where run history and caches live: $XDG_STATE_HOME/nightshift, else ~/.local/state/nightshift. */
export function defaultStateFolder(env = environment()): string {
  const base = env['XDG_STATE_HOME'];
  return join(base?.startsWith('/') === true ? base : join(homedir(), '.local', 'state'), 'nightshift');
}

/** What can be made again: $XDG_CACHE_HOME/nightshift, else ~/.cache/nightshift. */
export function cacheFolder(env = environment()): string {
  const base = env['XDG_CACHE_HOME'];
  return join(base?.startsWith('/') === true ? base : join(homedir(), '.cache'), 'nightshift');
}

/** Cores that this process may use: affinity and the cgroup's CPU quota count. At least 1. */
export function usableCores(): number {
  const [quota, period] = (readText('/sys/fs/cgroup/cpu.max') ?? 'max 100000').split(' ');
  const limit = quota === undefined || quota === 'max' ? Number.POSITIVE_INFINITY : Number(quota) / Number(period);
  return Math.max(1, Math.floor(Math.min(availableParallelism(), limit)));
}

/** Bytes of memory that this process may use: the machine's, or the cgroup's limit where that is less. */
export function usableMemoryBytes(): number {
  const limit = Number(readText('/sys/fs/cgroup/memory.max') ?? Number.NaN);
  return Number.isFinite(limit) ? Math.min(limit, totalmem()) : totalmem();
}

export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Changes with every boot; empty where the system has none. */
  readonly bootId: string;
  /** Start time of the process in clock ticks since boot; empty where the system does not tell. */
  readonly startTicks: string;
}

export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, host: hostname(), bootId: bootId(), startTicks: statOf(process.pid).startTicks };
}

/** Whether the process that an identity names still runs; unknown for another host. */
export function isAlive(identity: ProcessIdentity): boolean | 'unknown' {
  if (identity.host !== hostname()) return 'unknown';
  if (identity.bootId !== bootId()) return false;
  try {
    process.kill(identity.pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  const { state, startTicks } = statOf(identity.pid);
  // A zombie has ended; in a container whose first process waits for nobody it stays for ever.
  return state !== 'Z' && identity.startTicks === startTicks;
}

/** 128 + the signal's number, as shells report it. */
export function signalExitCode(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): number {
  return 128 + constants.signals[signal];
}

function bootId(): string {
  return readText('/proc/sys/kernel/random/boot_id') ?? '';
}

function statOf(pid: number): { readonly state: string; readonly startTicks: string } {
  const stat = readText(`/proc/${pid}/stat`);
  // Fields 3 and 22; the name in field 2 may hold spaces and brackets, so count from its end.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  return { state: fields[0] ?? '', startTicks: fields[19] ?? '' };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
