import { describe, expect, it } from 'vitest';
import { autoShardRows } from '../../src/plan/shard-size.ts';

const mebibyte = 2 ** 20;

describe('autoShardRows', () => {
  it.each([
    { what: 'a small table stays whole', rowCount: 12_000, modelBytes: 400_000, predictionBytes: 12, rows: 111_111 },
    {
      what: 'a large table gets 32 shards',
      rowCount: 5_000_000,
      modelBytes: 400_000,
      predictionBytes: 12,
      rows: 156_250,
    },
    { what: 'wide outputs get fewer rows', rowCount: 5_000_000, modelBytes: 0, predictionBytes: 4 * 384, rows: 43_690 },
    {
      what: 'a slow model gets a minute of work',
      rowCount: 1e9,
      modelBytes: 500 * mebibyte,
      predictionBytes: 4,
      rows: 11_443,
    },
    {
      what: 'images get no more than a minute of decoding',
      rowCount: 1e6,
      modelBytes: 0,
      predictionBytes: 4,
      images: 1,
      rows: 11_998,
    },
    { what: 'a row larger than a shard is one row', rowCount: 10, modelBytes: 0, predictionBytes: 1e12, rows: 1 },
    { what: 'no rows at all', rowCount: 0, modelBytes: 0, predictionBytes: 0, rows: 1_000_000 },
  ])('$what', ({ rows, ...weight }) => {
    expect(autoShardRows(weight)).toBe(rows);
  });
});
