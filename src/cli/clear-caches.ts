import type { Cleared } from '../run/caches.ts';
import { aligned, bytesText, pluralText } from './aligned.ts';
import type { CacheClearFlags } from './cache-flags.ts';
import { type CacheRequest, chosenCaches } from './chosen-caches.ts';
import { newPorts } from './context.ts';
import type { Io } from './io.ts';
import { parseAge } from './parse-when.ts';
import { shownPath } from './shown-path.ts';

interface ClearedFolder extends Cleared {
  readonly path: string;
}

interface ClearedModel {
  readonly path: string;
  readonly model: string;
  readonly sizeBytes: number;
}

/** @returns the exit code */
export async function clearCaches(io: Io, request: CacheRequest<CacheClearFlags>): Promise<number> {
  const { flags } = request;
  const dryRun = flags.dryRun === true;
  const ageMs = flags.olderThan === undefined ? undefined : parseAge('--older-than', flags.olderThan);
  const beforeMs = ageMs === undefined ? undefined : Date.now() - ageMs;
  const { caches } = newPorts();
  const chosen = await chosenCaches(io, caches, request);
  const predictions: ClearedFolder[] = [];
  for (const { folder } of chosen.predictions)
    predictions.push({ path: folder, ...(await caches.clear(folder, { beforeMs, dryRun })) });
  const models: ClearedModel[] = [];
  for (const model of chosen.models) {
    const isOld = beforeMs === undefined || model.usedAtMs < beforeMs;
    if (isOld && (dryRun || (await caches.removeModel(model))))
      models.push({ path: model.folder, model: model.path, sizeBytes: model.sizeBytes });
  }
  if (flags.json === true) {
    const told = (cleared: { readonly sizeBytes: number }) => {
      const { sizeBytes: bytes, ...rest } = cleared;
      return { ...rest, bytes };
    };
    const document = { v: 1, dryRun, predictions: predictions.map(told), models: models.map(told) };
    io.out(`${JSON.stringify(document, undefined, 2)}\n`);
  } else io.out(textOf(predictions, models, dryRun));
  return 0;
}

function textOf(predictions: readonly ClearedFolder[], models: readonly ClearedModel[], dryRun: boolean): string {
  const cwd = process.cwd();
  const gone = predictions.filter(({ entries, isDamaged }) => entries > 0 || isDamaged === true);
  if (gone.length + models.length === 0) return 'nothing to clear\n';
  const lines = [
    ...gone.map(({ path, entries, isDamaged, sizeBytes }) => [
      shownPath(path, cwd),
      isDamaged === true ? 'a damaged cache' : pluralText(entries, 'prediction'),
      bytesText(sizeBytes),
    ]),
    ...models.map(({ model, sizeBytes }) => [shownPath(model, cwd), 'optimised model', bytesText(sizeBytes)]),
  ];
  return `${dryRun ? 'would remove' : 'removed'}\n${aligned(lines, { indent: 2 })}`;
}
