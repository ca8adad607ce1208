import { type ChildProcess, spawn } from 'node:child_process';

/** Each line is the whole list of pids. When no more can come, the writer is gone, and so have they to be. */
const script = 'trap "" HUP INT TERM; while read -r line; do pids=$line; done; kill -9 $pids';

/**
 * Ends processes when this one is gone, however it went: a worker cannot see that by itself while a batch holds its
 * thread. A shell beside them holds the other end of a pipe. A thread in each worker would take 19 MB and 30 ms of a
 * core; the kernel's own way, PR_SET_PDEATHSIG, is out of Node's reach. Without a shell nothing is watched.
 */
export class Watchdog implements Disposable {
  readonly #pids = new Set<number>();
  #shell: ChildProcess | undefined;

  /** Until the process ends; any number of times. */
  watch({ pid, ended }: { readonly pid: number; readonly ended: Promise<unknown> }): void {
    // 0, of a process that did not start, would mean the shell's whole group.
    if (pid === 0 || this.#pids.has(pid)) return;
    this.#pids.add(pid);
    this.#write();
    const forget = () => {
      this.#pids.delete(pid);
      this.#write();
    };
    ended.then(forget, forget);
  }

  #write(): void {
    this.#shell ??= startShell();
    this.#shell.stdin?.write(`${[...this.#pids].join(' ')}\n`);
  }

  [Symbol.dispose](): void {
    this.#shell?.stdin?.end();
  }
}

function startShell(): ChildProcess {
  const shell = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], env: {} });
  // Whether it is not there or was killed: workers still leave between two batches.
  shell.on('error', () => undefined);
  shell.stdin.on('error', () => undefined);
  shell.unref();
  return shell;
}
