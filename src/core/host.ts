import { readFileSync } from 'node:fs';
import { arch, availableParallelism, constants, cpus, homedir, hostname, totalmem, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { isatty } from 'node:tty';
import { type StartedBy, startedBy } from './started-by.ts';

/** The process environment; no other file reads it. */
export function environment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/**
 * Since 1.29 ONNX Runtime tells its maker of each process and session, on Linux too, and keeps an id on the disk, unless
 * this is set before it is loaded. Who wants that sets it to 0. Children have it from here.
 */
export function refuseRuntimeTelemetry(): void {
  process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
}

/** Where run history and caches live: $XDG_STATE_HOME/nightshift, else ~/.local/state/nightshift. */
export function defaultStateFolder(env = environment()): string {
  const base = env['XDG_STATE_HOME'];
  return join(base?.startsWith('/') === true ? base : join(homeFolder(), '.local', 'state'), 'nightshift');
}

/** What can be made again: $XDG_CACHE_HOME/nightshift, else ~/.cache/nightshift. */
export function cacheFolder(env = environment()): string {
  const base = env['XDG_CACHE_HOME'];
  return join(base?.startsWith('/') === true ? base : join(homeFolder(), '.cache'), 'nightshift');
}

/**
 * A timer or a container may set no HOME, an empty one, or run as a user that the system does not know. A folder that
 * nobody but root makes is the answer then: one in /tmp, or below the working folder, could be filled by somebody else.
 */
function homeFolder(): string {
  try {
    const home = homedir();
    return isAbsolute(home) ? home : userInfo().homedir;
  } catch {
    return '/';
  }
}

/** Cores that this process may use: affinity and the cgroup's CPU quota count. At least 1. */
export function usableCores(): number {
  const [quota, period] = (readText('/sys/fs/cgroup/cpu.max') ?? 'max 100000').split(' ');
  const limit = quota === undefined || quota === 'max' ? Number.POSITIVE_INFINITY : Number(quota) / Number(period);
  return Math.max(1, Math.floor(Math.min(availableParallelism(), limit)));
}

/** The processor: its name, and what it is and can do as far as the system tells, for code that is made for it. */
export function processor(): { readonly name: string; readonly abilities: string } {
  const name = cpus()[0]?.model ?? '';
  const [flags = ''] = /^(flags|Features)\s*:.*$/m.exec(readText('/proc/cpuinfo') ?? '') ?? [];
  return { name, abilities: `${arch()} ${flags}` };
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

/** Who started this process, as far as can be told. */
export function ownStarter(env = environment()): StartedBy {
  const { parent, terminal } = statOf(process.pid);
  return startedBy({
    env,
    pid: process.pid,
    isInteractive: isatty(0) || isatty(2),
    hasTerminal: terminal !== '' && terminal !== '0',
    ancestors: ancestorsFrom(Number(parent)),
  });
}

function ancestorsFrom(pid: number): readonly { readonly pid: number; readonly name: string }[] {
  const found: { pid: number; name: string }[] = [];
  // A parent that ends meanwhile may be replaced by a process that is below us.
  for (let next = pid; next > 0 && found.every((known) => known.pid !== next); ) {
    const { name, parent } = statOf(next);
    if (name === '') break;
    found.push({ pid: next, name });
    next = Number(parent);
  }
  return found;
}

/** 128 + the signal's number, as shells report it. */
export function signalExitCode(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGALRM'): number {
  return 128 + constants.signals[signal];
}

function bootId(): string {
  return readText('/proc/sys/kernel/random/boot_id') ?? '';
}

/** Each is empty where the system does not tell. */
interface ProcessStat {
  readonly name: string;
  readonly state: string;
  readonly parent: string;
  /** Number of its terminal, 0 for none. */
  readonly terminal: string;
  readonly startTicks: string;
}

function statOf(pid: number): ProcessStat {
  const stat = readText(`/proc/${pid}/stat`) ?? '';
  // Fields 3, 4, 7 and 22; the name in field 2 may hold spaces and brackets, so count from its end.
  const end = stat.lastIndexOf(')');
  const [state = '', parent = '', , , terminal = '', ...rest] = stat.slice(end + 2).split(' ');
  return { name: stat.slice(stat.indexOf('(') + 1, end), state, parent, terminal, startTicks: rest[14] ?? '' };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
