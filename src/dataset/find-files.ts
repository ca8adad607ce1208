import { open, realpath, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { AppError, messageOf } from '../core/errors.ts';
import type { DatasetFormat } from './contract.ts';

export interface FoundFile {
  /** Absolute path, as it was found: a link is not followed in it. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

export interface FoundFiles {
  readonly files: readonly FoundFile[];
  readonly format: DatasetFormat;
  /** True when folders named `key=value` lie between a given path and a file. */
  readonly hasPartitions: boolean;
}

const extensions: readonly (readonly [RegExp, DatasetFormat])[] = [
  [/\.(parquet|pq|parq)$/i, 'parquet'],
  [/\.(csv|tsv|txt)(\.(gz|zst))?$/i, 'csv'],
  [/\.(jsonl|ndjson|json)(\.(gz|zst))?$/i, 'jsonl'],
  [/\.(arrow|feather|ipc)$/i, 'arrow'],
];

/**
 * Files of a dataset in input order: the paths as given, each glob or folder sorted by name, none twice.
 * Names that begin with `_` or `.` are left out of globs and folders, as other engines do.
 * @throws AppError INPUT_NOT_FOUND, INPUT_UNREADABLE
 */
export async function findFiles(
  paths: readonly string[],
  baseDir: string,
  format: DatasetFormat | 'auto',
): Promise<FoundFiles> {
  // By where a file really is: links may lead to it more than once, and in circles.
  const found = new Map<string, FoundFile>();
  let hasPartitions = false;
  for (const given of paths) {
    const { root, files } = await expand(given, baseDir);
    const fresh = new Map<string, FoundFile>();
    for (const path of files) {
      const { realPath, ...file } = await fileAt(path);
      const other = fresh.get(realPath)?.path;
      if (found.has(realPath) || (other !== undefined && depthOf(other) <= depthOf(path))) continue;
      fresh.delete(realPath);
      fresh.set(realPath, file);
    }
    for (const [realPath, file] of fresh) {
      found.set(realPath, file);
      hasPartitions ||= /(^|\/)[^/=]+=[^/]*\//.test(file.path.slice(root.length));
    }
  }
  const files = [...found.values()];
  return { files, format: format === 'auto' ? await commonFormat(files) : format, hasPartitions };
}

function depthOf(path: string): number {
  return path.split('/').length;
}

async function expand(given: string, baseDir: string): Promise<{ root: string; files: readonly string[] }> {
  const path = resolve(baseDir, given);
  const info = await stat(path).catch(() => undefined);
  if (info?.isFile() === true) return { root: path, files: [path] };
  if (info?.isDirectory() === true) {
    const all = await glob('**/*', { cwd: path, absolute: true, dot: false, followSymbolicLinks: true });
    const files = all.filter((file) => isVisible(file.slice(path.length)) && formatOf(file) !== undefined).sort(byName);
    if (files.length === 0) {
      throw new AppError('INPUT_NOT_FOUND', `no data file in the folder ${path}`, {
        hint: 'Parquet, CSV, JSON lines and Arrow files are found by their endings; name others by a glob and set input.format',
      });
    }
    return { root: path, files };
  }
  if (info !== undefined) {
    throw new AppError('INPUT_UNREADABLE', `${path} is neither a file nor a folder`, {
      hint: 'pipes and devices cannot be split into shards; write the data to a file first',
    });
  }
  if (!isDynamicPattern(given)) {
    throw new AppError('INPUT_NOT_FOUND', `input file ${path} does not exist`, {
      hint: 'check input.path; relative paths start at the folder of the job spec',
    });
  }
  const parts = path.split('/');
  const firstPattern = parts.findIndex((part) => isDynamicPattern(part));
  const root = parts.slice(0, Math.max(0, firstPattern)).join('/');
  const all = await glob(given, { cwd: baseDir, absolute: true, dot: true, followSymbolicLinks: true });
  const files = all
    .map((file) => resolve(file))
    .filter((file) => isVisible(file.slice(root.length)))
    .sort(byName);
  if (files.length === 0)
    throw new AppError('INPUT_NOT_FOUND', `no file matches ${path}`, {
      hint: 'check input.path; relative paths start at the folder of the job spec',
    });
  return { root, files };
}

async function fileAt(path: string): Promise<FoundFile & { readonly realPath: string }> {
  try {
    const info = await stat(path);
    if (!info.isFile()) throw new AppError('INPUT_UNREADABLE', `${path} is not a file`);
    await using handle = await open(path, 'r');
    await handle.read(Buffer.alloc(1), 0, 1, 0);
    return { path, realPath: await realpath(path), sizeBytes: info.size, mtimeMs: Math.round(info.mtimeMs) };
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('INPUT_UNREADABLE', `cannot open ${path}: ${messageOf(error)}`, {
      cause: error,
      hint: 'check the file and its permissions',
    });
  }
}

async function commonFormat(files: readonly FoundFile[]): Promise<DatasetFormat> {
  let common: { format: DatasetFormat; path: string } | undefined;
  for (const { path } of files) {
    const format = formatOf(path) ?? (await formatByMagic(path));
    if (format === undefined)
      throw new AppError('INPUT_UNREADABLE', `the format of ${path} cannot be told from its name`, {
        hint: 'set input.format to parquet, csv, jsonl or arrow',
      });
    if (common !== undefined && common.format !== format) {
      throw new AppError('INPUT_SCHEMA_MISMATCH', `${common.path} is ${common.format} but ${path} is ${format}`, {
        hint: 'a dataset has one format; narrow input.path with a glob such as *.parquet',
      });
    }
    common ??= { format, path };
  }
  return common?.format ?? 'parquet';
}

function formatOf(path: string): DatasetFormat | undefined {
  return extensions.find(([pattern]) => pattern.test(path))?.[1];
}

async function formatByMagic(path: string): Promise<DatasetFormat | undefined> {
  await using handle = await open(path, 'r');
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(6), 0, 6, 0);
  const head = buffer.toString('latin1', 0, bytesRead);
  if (head.startsWith('PAR1')) return 'parquet';
  return head.startsWith('ARROW1') ? 'arrow' : undefined;
}

function isVisible(relativePath: string): boolean {
  return !relativePath.split('/').some((part) => /^[_.]/.test(part) && !part.includes('='));
}

function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
