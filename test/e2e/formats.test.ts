import { globSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, zstdCompressSync } from 'node:zlib';
import { tableFromIPC } from 'apache-arrow';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Job, root, runJobs, sql, temporaryFolder } from './nightshift.ts';

const fixtures = join(root, 'fixtures');

const outputs = [
  { format: 'parquet', compression: 'zstd', ending: '.parquet' },
  { format: 'parquet', compression: 'snappy', ending: '.parquet' },
  { format: 'parquet', compression: 'gzip', ending: '.parquet' },
  { format: 'parquet', compression: 'none', ending: '.parquet' },
  { format: 'csv', compression: 'none', ending: '.csv' },
  { format: 'csv', compression: 'gzip', ending: '.csv.gz' },
  { format: 'csv', compression: 'zstd', ending: '.csv.zst' },
  { format: 'jsonl', compression: 'none', ending: '.jsonl' },
  { format: 'jsonl', compression: 'gzip', ending: '.jsonl.gz' },
  { format: 'jsonl', compression: 'zstd', ending: '.jsonl.zst' },
  { format: 'arrow', compression: 'none', ending: '.arrow' },
] as const;
type Output = (typeof outputs)[number];

/** Every way to cut the work; the outputs take turns. */
const executions = [1, 2].flatMap((workersPerDevice) =>
  [7, 1000].flatMap((batchSize) => [100, 5000].map((shardRows) => ({ workersPerDevice, batchSize, shardRows }))),
);

interface Scored {
  readonly id: string;
  readonly late: number;
  readonly probability: number;
}

const golden = new Map<string, Scored>();

beforeAll(async () => {
  const rows = await sql(
    `SELECT flight_id::VARCHAR AS id, label::INTEGER AS late, probabilities[2]::DOUBLE AS probability FROM '${fixtures}/golden/late-flights.parquet'`,
  );
  for (const row of rows)
    golden.set(String(row['id']), {
      id: String(row['id']),
      late: Number(row['late']),
      probability: Number(row['probability']),
    });
});

function jobOf(input: Job, output: Output, turn: number): Job {
  return {
    model: join(fixtures, 'models/late-flights.onnx'),
    input,
    features: {
      features: {
        columns: [
          ...['month', 'day', 'hour', 'minute', 'carrier_code', 'origin_code', 'dest_code'],
          ...['dep_delay', 'distance', 'plane_year', 'seats', 'temp', 'wind_speed', 'visib'],
        ],
        nulls: 'nan',
      },
    },
    output: {
      path: `out/${turn}`,
      format: output.format,
      compression: output.compression,
      keep: ['flight_id', 'time_hour'],
      columns: { late: 'label', probability: 'probabilities[1]' },
    },
    execution: { devices: 'cpu', ...executions[turn % executions.length] },
  };
}

/** What was published, in order of parts and rows. */
async function scored(folder: string, { format, ending }: Output): Promise<readonly Scored[]> {
  const parts = globSync(`part-*${ending}`, { cwd: folder })
    .sort()
    .map((name) => join(folder, name));
  if (format === 'arrow')
    return parts.flatMap((part) =>
      tableFromIPC(readFileSync(part))
        .toArray()
        .map((row) => toScored(row['flight_id'], row['late'], row['probability'])),
    );
  const list = `[${parts.map((part) => `'${part}'`).join(', ')}]`;
  const readers = { parquet: 'read_parquet', csv: 'read_csv', jsonl: 'read_json' } as const;
  const rows = await sql(`SELECT flight_id, late, probability FROM ${readers[format]}(${list})`);
  return rows.map((row) => toScored(row['flight_id'], row['late'], row['probability']));
}

function toScored(id: unknown, late: unknown, probability: unknown): Scored {
  return { id: String(id), late: Number(late), probability: Number(probability) };
}

/** Rows that differ from what Python predicts for the input's rows, in their order. */
function wrongRows(rows: readonly Scored[], ids: readonly string[]): readonly unknown[] {
  return ids.flatMap((id, index) => {
    const wanted = golden.get(id);
    const row = rows[index];
    const isRight =
      row?.id === id && row.late === wanted?.late && Math.abs(row.probability - wanted.probability) <= 1e-6;
    return isRight ? [] : [{ index, row, wanted }];
  });
}

const csv = { nullValues: ['', 'NA'] } as const;

interface Input {
  readonly name: string;
  /** Makes the input where it must be made, and says how the job names it. */
  readonly make: (folder: string) => Promise<Job>;
  /** Its ids in order, as SQL. */
  readonly ids: string;
  readonly outputs: readonly Output[];
}

const textIds = `SELECT flight_id FROM read_csv('${fixtures}/flights-csv/flights.csv')`;
const lineIds = `SELECT flight_id FROM read_json('${fixtures}/flights-jsonl/flights.jsonl.gz')`;

const inputs: readonly Input[] = [
  {
    name: 'parquet',
    // Past the first file's 6,014 rows.
    make: async () => ({ path: join(fixtures, 'flights/*.parquet'), limit: 7000 }),
    ids: `SELECT flight_id FROM '${fixtures}/flights/*.parquet' LIMIT 7000`,
    outputs,
  },
  { name: 'csv', make: async () => ({ path: join(fixtures, 'flights-csv'), csv }), ids: textIds, outputs },
  { name: 'jsonl.gz', make: async () => ({ path: join(fixtures, 'flights-jsonl') }), ids: lineIds, outputs },
  {
    name: 'arrow',
    make: async () => ({ path: join(fixtures, 'flights-arrow/flights.arrow') }),
    ids: `SELECT flight_id FROM (SELECT flight_id, row_number() OVER () - 1 AS n FROM '${fixtures}/flights/*.parquet') WHERE n % 12 = 0 LIMIT 1000`,
    outputs,
  },
  {
    name: 'csv.zst',
    make: async (folder) => {
      const text = readFileSync(join(fixtures, 'flights-csv/flights.csv'));
      await writeFile(join(folder, 'flights.csv.zst'), zstdCompressSync(text));
      return { path: 'flights.csv.zst', csv };
    },
    ids: textIds,
    outputs: outputs.slice(0, 1),
  },
  {
    name: 'jsonl.zst',
    make: async (folder) => {
      const text = gunzipSync(readFileSync(join(fixtures, 'flights-jsonl/flights.jsonl.gz')));
      await writeFile(join(folder, 'flights.ndjson.zst'), zstdCompressSync(text));
      return { path: '*.zst', format: 'jsonl' };
    },
    ids: lineIds,
    outputs: outputs.slice(0, 1),
  },
];

describe('predictions from every format to every format', () => {
  it.each(inputs)('are those of Python, in the order of the $name input', async ({ make, ids, outputs: wanted }) => {
    await using folder = await temporaryFolder();
    const input = await make(folder.path);
    const jobs = Object.fromEntries(wanted.map((output, turn) => [`job${turn}`, jobOf(input, output, turn)]));
    const { exitCode, stderr } = await runJobs(folder.path, jobs);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    const wantedIds = (await sql(ids)).map((row) => String(row['flight_id']));
    for (const [turn, output] of wanted.entries()) {
      const rows = await scored(join(folder.path, `out/${turn}`), output);
      expect(rows).toHaveLength(wantedIds.length);
      expect(wrongRows(rows, wantedIds)).toEqual([]);
    }
  });
});
