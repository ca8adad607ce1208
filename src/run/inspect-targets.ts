import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AppError } from '../core/errors.ts';

export interface Targets {
  /** Absolute paths. */
  readonly models: readonly string[];
  /** Files, globs and folders, as given. */
  readonly data: readonly string[];
}

/** Endings of files that people take for ONNX models; reading one says what it really is. */
const modelEnding = /\.(onnx|ort|pb|pkl|pickle|joblib|pt|pth|h5|keras|tflite|safetensors|gguf|mlmodel)$/i;
const dataEnding = /\.(parquet|pq|parq|arrow|feather|ipc|(csv|tsv|txt|jsonl|ndjson|json)(\.(gz|zst))?)$/i;

/** Tells models from data: by the ending, else by the first bytes. Folders and globs are data. */
export async function sortTargets(targets: readonly string[], baseDir: string): Promise<Targets> {
  const models: string[] = [];
  const data: string[] = [];
  for (const target of targets) {
    const path = resolve(baseDir, target);
    if (await isModel(path)) models.push(path);
    else data.push(target);
  }
  return { models, data };
}

async function isModel(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  if (info?.isDirectory() === true) return false;
  if (modelEnding.test(path)) return true;
  return !dataEnding.test(path) && info?.isFile() === true && (await beginsLikeModel(path));
}

/** An ONNX file begins with its IR version: field 1, a small number. */
async function beginsLikeModel(path: string): Promise<boolean> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return false;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x08 && (buffer[1] ?? 0) < 0x80;
  } finally {
    await handle.close();
  }
}

/** Hints about the spec help nobody who named a file on the command line. */
export function fromCommandLine(error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  const isPath = error.code === 'MODEL_NOT_FOUND' || error.code === 'INPUT_NOT_FOUND';
  const { code, message, details } = error;
  if (isPath && error.hint?.startsWith('check ') === true)
    return new AppError(code, message, {
      details,
      cause: error,
      hint: 'check the path; it starts at the folder that you are in',
    });
  if (error.hint?.startsWith('set input.format') === true)
    return new AppError(code, message, {
      details,
      cause: error,
      hint: 'name it with --format parquet, csv, jsonl or arrow',
    });
  if (code === 'INPUT_UNREADABLE' && error.hint?.includes('`nightshift inspect`') === true)
    return new AppError(code, message, {
      details,
      cause: error,
      hint: 'it is damaged or of another format; make or copy it again',
    });
  return error;
}
