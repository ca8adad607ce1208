import { join } from 'node:path';
import { type Job, root } from '../e2e/nightshift.ts';

/** Flights in small shards: enough of them to be interrupted in the middle. */
export const flightsJob = {
  model: join(root, 'fixtures/models/late-flights.onnx'),
  input: join(root, 'fixtures/flights/*.parquet'),
  features: {
    features: {
      columns: [
        ...['month', 'day', 'hour', 'minute', 'carrier_code', 'origin_code', 'dest_code', 'dep_delay', 'distance'],
        ...['plane_year', 'seats', 'temp', 'wind_speed', 'visib'],
      ],
      nulls: 'nan',
    },
  },
  output: { path: 'out', mode: 'overwrite', keep: ['flight_id'] },
  execution: { shardRows: 500, batchSize: 100 },
} as const satisfies Job;

/** A CNN over a small table: one shard, soon done. */
export const digitsJob = {
  model: join(root, 'fixtures/models/digits.onnx'),
  input: join(root, 'fixtures/digits/digits.parquet'),
  features: { image: ['pixels'] },
  output: { path: 'out-digits', mode: 'overwrite', keep: ['id'], columns: { digit: 'argmax(logits)' } },
  execution: { batchSize: 64 },
} as const satisfies Job;

/** Texts of some twenty tokens, for a tiny transformer. */
export const glossesJob = {
  model: join(root, 'fixtures/models/tiny-bert/model.onnx'),
  input: join(root, 'fixtures/glosses/glosses.parquet'),
  features: { text: { column: 'gloss', tokenizer: join(root, 'fixtures/models/tiny-bert/tokenizer.json') } },
  output: { path: 'out-glosses', mode: 'overwrite', keep: ['id'], columns: { embedding: 'last_hidden_state[0]' } },
  execution: {},
} as const satisfies Job;
