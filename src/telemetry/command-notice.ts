import { execa } from 'execa';
import type { Notice, Surroundings } from './contract.ts';
import type { Answer } from './http-post.ts';

const usualTimeoutMs = 30_000;

export interface CommandOptions extends Pick<Surroundings, 'folder' | 'signal' | 'onOutput'> {
  readonly timeoutMs?: number;
}

/** Runs a program, without a shell, with the notice on its stdin; it and what it started are killed when it takes long. */
export async function sendToCommand(
  [program = '', ...args]: readonly string[],
  notice: Notice,
  { folder, signal, onOutput, timeoutMs = usualTimeoutMs }: CommandOptions,
): Promise<Answer> {
  const output = onOutput === undefined ? 'ignore' : 'pipe';
  const child = execa(program, args, {
    cwd: folder,
    input: `${JSON.stringify(notice)}\n`,
    stdout: output,
    stderr: output,
    buffer: false,
    reject: false,
    // A group of its own: what it starts can be killed with it, and a Ctrl-C that stops the run leaves it to its work.
    detached: true,
  });
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (piece: Buffer) => onOutput?.(piece.toString('utf8')));
  let killedFor: string | undefined;
  const kill = (why: string) => {
    killedFor ??= why;
    killGroup(child.pid);
  };
  const giveUp = () => kill('was given up');
  const leave = () => killGroup(child.pid);
  const timer = setTimeout(() => kill(`was killed after ${timeoutMs / 1000} s`), timeoutMs);
  process.once('exit', leave);
  signal.addEventListener('abort', giveUp);
  if (signal.aborted) giveUp();
  try {
    const { exitCode, signal: endedBy, code } = await child;
    if (killedFor !== undefined) return { isDelivered: false, answer: killedFor };
    if (exitCode === 0) return { isDelivered: true, answer: 'exit code 0' };
    return { isDelivered: false, answer: endText({ exitCode, endedBy, code }) };
  } finally {
    clearTimeout(timer);
    process.off('exit', leave);
    signal.removeEventListener('abort', giveUp);
  }
}

interface End {
  readonly exitCode: number | undefined;
  readonly endedBy: string | undefined;
  readonly code: string | undefined;
}

/** Its own words only: those of the error repeat the arguments. */
function endText({ exitCode, endedBy, code }: End): string {
  if (exitCode !== undefined) return `exit code ${exitCode}`;
  if (endedBy !== undefined) return `was ended by ${endedBy}`;
  if (code === 'ENOENT') return 'there is no such program';
  return code === 'EACCES' ? 'may not be run' : `cannot be run (${code ?? 'unknown'})`;
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It is gone already, and so is what it started.
  }
}
