import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

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

/** Processes whose working folder is there, or below it. */
export function processesIn(folder: string): readonly number[] {
  return readdirSync('/proc').flatMap((name) => {
    const at = /^\d+$/.test(name) ? workingFolder(name) : undefined;
    return at === folder || at?.startsWith(`${folder}/`) ? [Number(name)] : [];
  });
}

function workingFolder(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
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
