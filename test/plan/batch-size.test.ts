import { describe, expect, it } from 'vitest';
import {
  type BatchSize,
  chosenBatch,
  halvedBatch,
  reducedBatch,
  unmeasuredBatch,
  windowRowsOf,
} from '../../src/plan/batch-size.ts';
import type { PlanFeature } from '../../src/plan/run-plan.ts';
import { imageRequest } from '../model/image-request.ts';

const feature: PlanFeature = { input: 'text', columns: [], element: 'string', innerShape: [1], nulls: 'reject' };
const text: PlanFeature = {
  ...feature,
  text: {
    tokenizer: { path: 't', sha256: 's', kind: 'BPE', vocabularySize: 1, library: 'l' },
    maxLength: 8,
    truncation: true,
    ids: { name: 'input_ids', element: 'int64' },
  },
};
const plain = { features: [feature] };
const texts = { features: [text] };
const measured: BatchSize = { batchRows: 64, batchTokens: 512 };

describe('the size of batches', () => {
  it.each<[string, Parameters<typeof chosenBatch>, BatchSize | undefined]>([
    ['is to be measured', [plain, { batchSize: 'auto', batchTokens: 'auto' }, undefined], undefined],
    ['was measured', [plain, { batchSize: 'auto', batchTokens: 9 }, measured], { batchRows: 64 }],
    ['is what the job says', [plain, { batchSize: 8, batchTokens: 9 }, measured], { batchRows: 8 }],
    ['of texts is to be measured', [texts, { batchSize: 'auto', batchTokens: 'auto' }, undefined], undefined],
    ['of texts was measured', [texts, { batchSize: 'auto', batchTokens: 'auto' }, measured], measured],
    [
      'of texts has tokens as the job says',
      [texts, { batchSize: 'auto', batchTokens: 99 }, undefined],
      { batchRows: 4096, batchTokens: 99 },
    ],
    [
      'of texts has rows as the job says',
      [texts, { batchSize: 8, batchTokens: 'auto' }, undefined],
      { batchRows: 8, batchTokens: 16_384 },
    ],
    [
      'is what the model fixes',
      [{ ...texts, fixedBatchRows: 4 }, { batchSize: 8, batchTokens: 9 }, measured],
      { batchRows: 4 },
    ],
  ])('%s', (_name, args, batch) => {
    expect(chosenBatch(...args)).toEqual(batch);
  });

  it.each<[BatchSize, BatchSize | undefined]>([
    [{ batchRows: 64, batchTokens: 512 }, undefined],
    [
      { batchRows: 65, batchTokens: 256 },
      { batchRows: 64, batchTokens: 256 },
    ],
    [{ batchRows: 32 }, { batchRows: 32, batchTokens: 512 }],
  ])('after memory ran out at %j is the smaller of each', (found, batch) => {
    expect(reducedBatch(measured, found)).toEqual(batch);
  });

  it('is halved in tokens, then in rows, down to one', () => {
    expect(halvedBatch(measured)).toEqual({ batchRows: 64, batchTokens: 256 });
    expect(halvedBatch({ batchRows: 64, batchTokens: 1 })).toEqual({ batchRows: 32, batchTokens: 1 });
    expect(halvedBatch({ batchRows: 5 })).toEqual({ batchRows: 2 });
    expect(halvedBatch({ batchRows: 1 })).toBeUndefined();
  });

  it('is sensible where measuring failed', () => {
    expect(unmeasuredBatch(plain)).toEqual({ batchRows: 256 });
    expect(unmeasuredBatch(texts)).toEqual({ batchRows: 4096, batchTokens: 16_384 });
  });
});

describe('the rows of a window', () => {
  const image = (...innerShape: readonly number[]) => ({
    ...imageRequest({ innerShape }),
    column: { name: 'photo', type: 'BLOB', nullFree: true },
  });
  it.each<[string, Parameters<typeof windowRowsOf>[0], number, number]>([
    ['of texts are as many as can be sorted', texts, 10, 4096],
    ['that may repeat are no fewer than those of a batch', plain, 16_384, 16_384],
    ['of images are those of a batch', { ...plain, images: [image(3, 224, 224)] }, 7, 7],
    ['of images and texts are as many as 32 MB of pixels', { ...texts, images: [image(3, 224, 224)] }, 4096, 222],
    ['of several images hold fewer', { ...texts, images: [image(3, 224, 224), image(3, 224, 224)] }, 4096, 111],
    ['of images and texts are no more than a batch may have', { ...texts, images: [image(3, 8, 8)] }, 99, 99],
    ['of huge images are one', { ...texts, images: [image(3, 10_000, 10_000)] }, 99, 1],
  ])('%s', (_, plan, batchRows, expected) => {
    expect(windowRowsOf(plan, { batchRows })).toBe(expected);
  });
});
