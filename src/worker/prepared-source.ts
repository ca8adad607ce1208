import type { ElementArray } from '../dataset/contract.ts';
import { elementsBetween } from '../dataset/element-array.ts';
import { newImagePreparer } from '../model/image-preparer.ts';
import type { PreparedFrom, Preparer } from '../model/preparer.ts';
import type { RunPlan } from '../plan/run-plan.ts';
import type { FetchedBatch } from './fetched-batches.ts';
import type { StartMessage } from './protocol.ts';

/** A preparer, and what it is given of the rows that were scanned. */
export interface PreparedSource {
  /** What it fetches are the raw columns. */
  readonly preparer: Preparer;
  columnsOf(rows: Pick<FetchedBatch, 'values' | 'raw'>): PreparedFrom['values'];
}

/** One a text, and one for all images of a row. */
export async function openSources(start: StartMessage): Promise<readonly PreparedSource[]> {
  const [texts, images] = await Promise.all([openTexts(start.plan), openImages(start)]);
  return [...texts, ...images];
}

async function openTexts(plan: RunPlan): Promise<readonly PreparedSource[]> {
  const found = plan.features.map(async ({ text, columns }, feature): Promise<readonly PreparedSource[]> => {
    if (text === undefined) return [];
    // Loaded by those who need it: most jobs have no text.
    const { openTextPreparer } = await import('../model/text-preparer.ts');
    const preparer = await openTextPreparer(text);
    return [{ preparer, columnsOf: ({ values }) => columnsIn(values[feature] ?? [], columns.length) }];
  });
  return (await Promise.all(found)).flat();
}

/** Texts of several columns come row by row. */
function columnsIn(values: ElementArray, columnCount: number): readonly (readonly string[])[] {
  if (!Array.isArray(values)) throw new TypeError('texts are strings');
  if (columnCount === 1) return [elementsAsTexts(values)];
  return Array.from({ length: columnCount }, (_, column) => values.filter((_text, at) => at % columnCount === column));
}

function elementsAsTexts(values: string[]): readonly string[] {
  const texts = elementsBetween(values, 0, values.length);
  return Array.isArray(texts) ? texts : [];
}

/**
 * Images at a time where the next batch is decoded while this one is scored: it is handed to the process's pool, of four
 * threads unless somebody says, as far as that goes, since a session's call keeps this thread from handing over more.
 */
const lanesAhead = 16;

/** Else the session's threads wait while images are decoded, so these may take as many. */
async function openImages({ plan, intraOpThreads, prefetch }: StartMessage): Promise<readonly PreparedSource[]> {
  const { images } = plan;
  if (images === undefined) return [];
  const concurrency = prefetch ? Math.max(lanesAhead, intraOpThreads) : intraOpThreads;
  return [{ preparer: await newImagePreparer({ images, concurrency }), columnsOf: ({ raw }) => raw }];
}
