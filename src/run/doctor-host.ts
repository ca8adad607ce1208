import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { usableCores, usableMemoryBytes } from '../core/host.ts';
import type { Finding } from './doctor-finding.ts';

const gibibyte = 2 ** 30;
/** A worker's share with a small model, as planSlots counts it: half of the memory is for workers. */
const workerBytes = 450 * 2 ** 20;
const shownFlags = ['avx2', 'fma', 'avx512f', 'avx512_vnni', 'avx_vnni', 'amx_int8'];

export function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const text = `${version} on ${process.platform} ${process.arch}`;
  if (major > 22 || (major === 22 && minor >= 12)) return { name: 'node', status: 'ok', text };
  return {
    name: 'node',
    status: 'fail',
    text: `${text}, 22.12 or newer is needed`,
    fix: 'install one from https://nodejs.org',
  };
}

export function cpuFinding(): Finding {
  const all = cpus().length;
  const usable = usableCores();
  const flags = cpuFlags(readText('/proc/cpuinfo'));
  const limited = usable < all ? ` of ${all}, by affinity or the cgroup's quota` : '';
  const known = flags === undefined ? '' : `; ${shownFlags.filter((flag) => flags.has(flag)).join(', ') || 'no AVX2'}`;
  const text = `${usable} core${usable === 1 ? '' : 's'} usable${limited}${known}`;
  if (process.arch !== 'x64' || flags === undefined || flags.has('avx2')) return { name: 'cpu', status: 'ok', text };
  return {
    name: 'cpu',
    status: 'warn',
    text,
    fix: 'expect a fraction of the usual speed; a virtual machine may need its CPU type set to host',
  };
}

/** Features of the first core; undefined where the system does not list them. */
function cpuFlags(cpuinfo: string | undefined): ReadonlySet<string> | undefined {
  const line = /^flags\s*:\s*(.*)$/m.exec(cpuinfo ?? '')?.[1];
  return line === undefined ? undefined : new Set(line.split(/\s+/));
}

export function memoryFinding(): Finding {
  const bytes = usableMemoryBytes();
  const cores = usableCores();
  const workers = Math.floor(bytes / 2 / workerBytes);
  const text = `${gibibytesText(bytes)} usable, room for ${Math.min(workers, cores)} of ${cores} workers with a small model`;
  if (workers >= cores) return { name: 'memory', status: 'ok', text };
  if (workers >= 1)
    return {
      name: 'memory',
      status: 'warn',
      text,
      fix: 'give the machine or the container more memory to use all its cores',
    };
  return {
    name: 'memory',
    status: 'fail',
    text,
    fix: `one worker needs about ${gibibytesText(2 * workerBytes)} to be at ease`,
  };
}

export function filesFinding(): Finding {
  const limit = /^Max open files\s+(\d+|unlimited)/m.exec(readText('/proc/self/limits') ?? '')?.[1];
  if (limit === undefined) return { name: 'open files', status: 'ok', text: 'the limit is not known here' };
  const text = `at most ${limit} at once`;
  if (limit === 'unlimited' || Number(limit) >= 1024) return { name: 'open files', status: 'ok', text };
  return { name: 'open files', status: 'warn', text, fix: 'raise it with `ulimit -n 4096`, or LimitNOFILE= in a unit' };
}

export function gibibytesText(bytes: number): string {
  return `${(bytes / gibibyte).toFixed(bytes < 10 * gibibyte ? 1 : 0)} GiB`;
}

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
