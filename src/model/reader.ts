import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError, messageOf } from '../core/errors.ts';
import { type FileStamp, fileStamp } from '../core/file-stamp.ts';
import { sha256OfFile, systemCode } from '../core/files.ts';
import type { ModelFile, ModelReader } from './contract.ts';
import { imageDecoder } from './load-sharp.ts';
import { exposeZipMaps } from './zip-map.ts';

export function newModelReader(): ModelReader {
  return { read: readModel, imageDecoder };
}

async function readModel(path: string): Promise<ModelFile> {
  const files = [await stampOf(path)];
  const bytes = await readFile(path).catch((error: unknown) => Promise.reject(notFound(path, error)));
  const { facts } = exposeZipMaps(bytes, path);
  const hash = createHash('sha256').update(bytes);
  let sizeBytes = bytes.length;
  for (const name of facts.externalData) {
    const file = join(dirname(path), name);
    files.push(await stampOf(file));
    hash.update(
      `\n${name} ${await sha256OfFile(file).catch((error: unknown) => Promise.reject(notFound(file, error)))}`,
    );
    sizeBytes += (await stat(file)).size;
  }
  if (facts.unzippedOutputs.length > 0 && facts.externalData.length > 0) {
    throw new AppError(
      'MODEL_INVALID',
      `${path} has a ZipMap and external data files, which cannot be loaded together`,
      {
        hint: 'export it with options={"zipmap": False}, or save it as one file',
      },
    );
  }
  return { path, sha256: hash.digest('hex'), sizeBytes, files, facts };
}

/** A pipe gives its first byte when somebody writes to it, and some devices never give the last one. */
async function stampOf(path: string): Promise<FileStamp> {
  const info = await stat(path).catch((error: unknown) => Promise.reject(notFound(path, error)));
  if (info.isFile() || info.isDirectory()) return fileStamp(path);
  throw new AppError('MODEL_NOT_FOUND', `model ${path} is neither a file nor a folder`, {
    hint: 'pipes and devices cannot be read more than once; write the model to a file first',
  });
}

function notFound(path: string, error: unknown): AppError {
  const code = systemCode(error);
  const problem =
    code === 'ENOENT' ? 'does not exist' : code === 'EISDIR' ? 'is a folder' : `cannot be read: ${messageOf(error)}`;
  return new AppError('MODEL_NOT_FOUND', `model ${path} ${problem}`, {
    hint: 'check model.path; relative paths start at the folder of the job spec',
    cause: error,
  });
}
