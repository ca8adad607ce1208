import { readdirSync, readFileSync } from 'node:fs';

export interface Usage {
  /** Largest resident set that any of its children ever had. */
  readonly peakWorkerBytes: number;
  /** Resident sets of all its children together, one a sample, in order. */
  readonly workerBytes: readonly number[];
}

const ticksPerSecond = 100;

/** Watches a process and its children through /proc until it is stopped. */
export function sampleProcesses(pid: number, everyMs: number): { readonly stop: () => Usage } {
  let peakWorkerBytes = 0;
  const workerBytes: number[] = [];
  const look = () => {
    const children = childrenOf(pid).map((child) => read(`/proc/${child}/status`) ?? '');
    peakWorkerBytes = Math.max(peakWorkerBytes, ...children.map((status) => bytesOf(status, 'VmHWM')));
    workerBytes.push(children.reduce((sum, status) => sum + bytesOf(status, 'VmRSS'), 0));
  };
  const timer = setInterval(look, everyMs);
  return {
    stop: () => {
      clearInterval(timer);
      return { peakWorkerBytes, workerBytes };
    },
  };
}

/** CPU time of a process alone, without its children; undefined when it has ended. */
export function cpuSeconds(pid: number): number | undefined {
  const fields = read(`/proc/${pid}/stat`)?.split(') ')[1]?.split(' ');
  return fields === undefined ? undefined : (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function childrenOf(pid: number): readonly number[] {
  return readdirSync('/proc').flatMap((name) => {
    const parent = /^\d+$/.test(name) ? read(`/proc/${name}/stat`)?.split(') ')[1]?.split(' ')[1] : undefined;
    return parent === String(pid) ? [Number(name)] : [];
  });
}

function bytesOf(status: string, field: 'VmHWM' | 'VmRSS'): number {
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) * 1024;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
