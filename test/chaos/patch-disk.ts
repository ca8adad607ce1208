import fs from 'node:fs';
import fsp, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join, resolve, sep } from 'node:path';

/** A call that changes the disk, or flushes it. */
export interface Change {
  readonly change: string;
  /** The name that it changes: of a rename or link, the new one. */
  readonly path: string;
  readonly from?: string;
  /** Does half of it, where half of it can be. */
  readonly half?: () => Promise<void>;
}

export type Around = <Result>(change: Change, act: () => Promise<Result>) => Promise<Result>;

/** The folder that is watched: what happens elsewhere is not told. */
const output = resolve(process.env['WATCHED_FOLDER'] ?? 'out');

/** Functions of `node:fs` that are not patched, for those who watch. */
export const untouched = { ...fs };

const handleChanges = ['writeFile', 'write', 'sync', 'datasync', 'truncate'] as const;

/**
 * Puts `around` around every call of this process that changes the disk below the output folder. What a native library
 * writes is not seen.
 */
export async function patchDisk(around: Around): Promise<void> {
  const real = { ...fsp };
  const pathOf = new WeakMap<object, string>();
  const step: Around = (change, act) => {
    // Whoever flushes the folder that holds the output flushes its name.
    const isHolder = change.change === 'sync' && change.path === dirname(output);
    const isWatched = isHolder || change.path === output || change.path.startsWith(output + sep);
    return isWatched ? around(change, act) : act();
  };
  const open: typeof fsp.open = async (path, flags, mode) => {
    const act = () => real.open(path, flags, mode);
    const handle = flags === 'r' ? await act() : await step({ change: 'open', path: String(path) }, act);
    pathOf.set(handle, String(path));
    return handle;
  };
  const rename: typeof fsp.rename = (from, to) =>
    step({ change: 'rename', path: String(to), from: String(from) }, () => real.rename(from, to));
  const link: typeof fsp.link = (from, to) =>
    step({ change: 'link', path: String(to), from: String(from) }, () => real.link(from, to));
  const rm: typeof fsp.rm = (path, options) => {
    const half = async () => {
      const [first] = options?.recursive === true ? untouched.readdirSync(String(path)) : [];
      if (first !== undefined) untouched.rmSync(join(String(path), first), { recursive: true });
    };
    return step({ change: 'rm', path: String(path), half }, () => real.rm(path, options));
  };
  const mkdir = new Proxy(real.mkdir, {
    apply: (target, self, args: unknown[]) =>
      step({ change: 'mkdir', path: String(args[0]) }, () => Reflect.apply(target, self, args)),
  });
  Object.assign(fsp, { open, rename, link, rm, mkdir });
  syncBuiltinESMExports();

  await using probe = await real.open(import.meta.filename, 'r');
  const handles: object = Object.getPrototypeOf(probe);
  for (const change of handleChanges) {
    const method: unknown = Reflect.get(handles, change);
    if (typeof method !== 'function') throw new Error(`a file handle has no ${change}`);
    const patched = function (this: FileHandle, ...args: readonly unknown[]): Promise<unknown> {
      const [text] = args;
      const half = async () => {
        if (typeof text === 'string') await Reflect.apply(method, this, [text.slice(0, text.length / 2)]);
      };
      return step({ change, path: pathOf.get(this) ?? '', half }, () => Reflect.apply(method, this, args));
    };
    Reflect.set(handles, change, patched);
  }
}
