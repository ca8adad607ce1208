import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FeatureRequest, sizeOf } from '../dataset/contract.ts';
import { newElementArray } from '../dataset/element-array.ts';
import type { TextEncoding } from './contract.ts';
import { makeFeeds } from './feeds.ts';
import type { ImageRequest } from './image-request.ts';
import { imageTensor, valueTables } from './image-tensor.ts';
import { type Provider, Session, type SessionOptions } from './session.ts';

/**
 * Which execution providers run a model's nodes, by the session's own profile of one row of zeros: `['cuda']`, or
 * `['cuda', 'cpu']` when some nodes have no GPU kernel. The binding has no other way to ask.
 */
export async function providersUsed(
  options: Omit<SessionOptions, 'provider'>,
  provider: Provider,
  plan: {
    readonly features: readonly (FeatureRequest & { readonly text?: TextEncoding | undefined })[];
    readonly images?: readonly ImageRequest[] | undefined;
    readonly fixedBatchRows?: number | undefined;
  },
): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'nightshift-profile-'));
  try {
    await using session = await Session.open({ ...options, provider, profilePrefix: join(folder, 'profile') });
    const rowCount = plan.fixedBatchRows ?? 1;
    const features = plan.features.filter(({ text }) => text === undefined);
    const values = features.map((feature) => newElementArray(feature.element, rowCount * sizeOf(feature.innerShape)));
    // A model may refuse zeros; the nodes that ran until then still tell.
    const feeds = makeFeeds({ features, values, rowCount, paddedRows: rowCount });
    const tokens = plan.features.flatMap(({ text }) => (text === undefined ? [] : tokenFeeds(text, rowCount)));
    const blank = Array.from({ length: rowCount }, () => undefined);
    const images = (plan.images ?? []).map((image) => [image.input, imageTensor(image, valueTables(image), blank)]);
    await session.run(Object.assign(feeds, Object.fromEntries(images), ...tokens)).catch(() => undefined);
    session.endProfiling();
    const names = await readdir(folder);
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
    return providersIn(texts.join('\n'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Rows of padding that are taken for text. */
function tokenFeeds({ ids, mask, types, fixedLength = 8 }: TextEncoding, rowCount: number) {
  return [ids, mask, types].flatMap((input) => {
    if (input === undefined) return [];
    const { name, element } = input;
    const data = newElementArray(element, rowCount * fixedLength);
    if (input === mask && data instanceof BigInt64Array) data.fill(1n);
    if (input === mask && data instanceof Int32Array) data.fill(1);
    return [{ [name]: { type: element, data, dims: [rowCount, fixedLength] } }];
  });
}

/** `CUDAExecutionProvider` in a profile's events becomes `cuda`; most nodes first. */
function providersIn(profile: string): readonly string[] {
  const counts = new Map<string, number>();
  for (const [, name] of profile.matchAll(/"provider"\s*:\s*"(\w+?)ExecutionProvider"/g)) {
    const provider = (name ?? '').toLowerCase();
    counts.set(provider, (counts.get(provider) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([provider]) => provider);
}
