import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { AppError, messageOf } from '../core/errors.ts';
import { systemCode } from '../core/files.ts';
import { nearestFile } from '../core/nearest-file.ts';
import { labelFilesOf, placedExpressionError } from '../plan/place-expression.ts';
import type { PlanInput } from '../plan/plan-input.ts';
import type { JobRequest } from './job-request.ts';

type Labels = NonNullable<PlanInput['labels']>;
type Texts = Labels[string];

/** The plan has them, and every worker gets the plan. */
const maxLabelBytes = 1_000_000;

/**
 * What the files of labels say that a job's output columns name; undefined where they name none.
 * @throws AppError MODEL_OUTPUT_MISMATCH for an expression that cannot be read, LABELS_UNREADABLE
 */
export async function readLabels(request: Pick<JobRequest, 'job' | 'baseDir' | 'locate'>): Promise<Labels | undefined> {
  const read: (readonly [string, Texts])[] = [];
  for (const { file, ...place } of labelFilesOf(request)) {
    const path = resolve(request.baseDir, file);
    try {
      read.push([file, textsOf(await contentOf(path), path)]);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const { message, hint = howToWrite, cause } = error;
      const details = { ...error.details, file: path, ...place };
      throw placedExpressionError(new AppError('LABELS_UNREADABLE', message, { hint, details, cause }), request);
    }
  }
  return read.length === 0 ? undefined : Object.fromEntries(read);
}

const howToWrite = 'write a JSON list of texts, ["cat", "dog"], or a map of index to text, {"0": "cat"}';

async function contentOf(path: string): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    // One byte more than allowed is enough to know; a device or a pipe need not end.
    for await (const chunk of createReadStream(path, { end: maxLabelBytes })) chunks.push(Buffer.from(chunk));
  } catch (cause) {
    throw await readError(path, cause);
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.byteLength > maxLabelBytes) throw unreadable(`${path} is larger than ${maxLabelBytes} bytes`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unreadable(`${path} is not UTF-8`);
  }
}

async function readError(path: string, cause: unknown): Promise<AppError> {
  if (systemCode(cause) !== 'ENOENT') return unreadable(`cannot read ${path}: ${messageOf(cause)}`);
  const near = await nearestFile(path);
  const hint = near === undefined ? 'the path starts at the folder of the spec' : `did you mean ${near}?`;
  return unreadable(`${path} does not exist`, hint);
}

const text = z.string({ error: 'is not a text' });
const listSchema = z.array(text).min(1, { error: 'has no texts' });
const mapSchema = z
  .record(z.string(), text, { error: 'is neither a list nor a map' })
  .refine((map) => Object.keys(map).length > 0, { error: 'has no texts' })
  .superRefine((map, context) => {
    for (const key of Object.keys(map)) {
      if (!/^(0|[1-9]\d{0,14})$/.test(key)) context.addIssue({ code: 'custom', path: [key], message: 'is no index' });
    }
  });

/** A list and a map that say the same are the same. */
function textsOf(content: string, path: string): Texts {
  const data = parsed(content, path);
  const { data: texts, error } = Array.isArray(data) ? listSchema.safeParse(data) : mapSchema.safeParse(data);
  if (texts !== undefined) return Object.fromEntries(Object.entries(texts));
  const [issue] = error.issues;
  const place = issue?.path.map((key) => `[${typeof key === 'number' ? key : JSON.stringify(key)}]`).join('') ?? '';
  throw unreadable(`${path}${place === '' ? '' : ` ${place}`} ${issue?.message}`);
}

function parsed(content: string, path: string): unknown {
  try {
    return JSON.parse(content);
  } catch (cause) {
    throw unreadable(`${path} is no JSON: ${messageOf(cause)}`);
  }
}

function unreadable(message: string, hint?: string): AppError {
  return new AppError('LABELS_UNREADABLE', message, hint === undefined ? {} : { hint });
}
