import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Each is a part of a regular expression. */
export interface Hold {
  /** The output's path, where a command has several outputs. */
  readonly output?: string;
  readonly shards: string;
  /** Any, unless the shard is to come through some time. */
  readonly attempts?: string;
  /** Where the output is, for workers that are started elsewhere. */
  readonly folder?: string;
}

/** In the working folder: once it is there, all go on. */
export const letGoFile = 'let-go';

/**
 * The environment of a command whose workers wait at the end of some shards, before their parts have a name, until they
 * are told to stop, killed or let go. Whoever signals a run in its middle may be late; this one waits for it.
 */
export function holdingWorkers(hold: Hold): Readonly<Record<string, string>> {
  const { output = 'out', shards, attempts = '.*', folder = '.' } = hold;
  return {
    NODE_OPTIONS: `--import=${join(import.meta.dirname, 'hold-shim.ts')}`,
    WATCHED_FOLDER: join(folder, 'out'),
    HELD_PARTS: `/${output}/.*/part-0*(${shards})\\.a(${attempts})\\.tmp\\.`,
    LET_GO_FILE: letGoFile,
  };
}

/** Lets the workers of all commands go on that have this working folder. */
export async function letGo(cwd: string): Promise<void> {
  await writeFile(join(cwd, letGoFile), '');
}
