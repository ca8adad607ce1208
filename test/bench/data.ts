import { copyFile, mkdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

const root = resolve(import.meta.dirname, '../..');
const folder = join(tmpdir(), 'nightshift-bench');

/** One table to score: what to feed, and where the model is. */
export interface BenchSet {
  readonly name: string;
  readonly model: string;
  readonly input: string;
  /** Model input that takes all `columns`. */
  readonly modelInput: string;
  readonly columns: readonly string[];
  readonly key: string;
  /** Extra SQL types are cast to FLOAT; nulls become NaN. */
  readonly nulls: 'nan' | 'reject';
  readonly outputs: readonly string[];
  readonly outputColumns: Readonly<Record<string, string>>;
}

const flightColumns = [
  ...['month', 'day', 'hour', 'minute', 'carrier_code', 'origin_code', 'dest_code', 'dep_delay', 'distance'],
  ...['plane_year', 'seats', 'temp', 'wind_speed', 'visib'],
];

/** The full flights table where the checkout has one beside it, else the fixture; copied until it is big. */
export async function flights(): Promise<BenchSet> {
  const full = resolve(root, '../shared/data/flights/flights.parquet');
  const hasFull = await stat(full).then(
    () => true,
    () => false,
  );
  const sources = hasFull ? [full] : [1, 2].map((n) => join(root, `fixtures/flights/flights-${n}.parquet`));
  const copies = hasFull ? 15 : 50;
  const target = join(folder, hasFull ? 'flights-full' : 'flights-fixture');
  await mkdir(target, { recursive: true });
  for (let copy = 0; copy < copies; copy++) {
    for (const [index, source] of sources.entries()) {
      await copyFile(source, join(target, `${String(copy).padStart(2, '0')}-${index}.parquet`));
    }
  }
  return {
    name: 'flights',
    model: join(root, 'fixtures/models/late-flights.onnx'),
    input: join(target, '*.parquet'),
    modelInput: 'features',
    columns: flightColumns,
    key: 'flight_id',
    nulls: 'nan',
    outputs: ['label', 'probabilities'],
    outputColumns: { late: 'label', late_probability: 'probabilities[1]' },
  };
}

/** Random floats for a small MLP whose work hardly outweighs its reading. */
export async function mlp(rowCount: number): Promise<BenchSet> {
  const target = join(folder, `mlp-${rowCount}`);
  const columns = Array.from({ length: 28 }, (_, index) => `c${index}`);
  if (
    !(await stat(target).then(
      () => true,
      () => false,
    ))
  ) {
    await mkdir(target, { recursive: true });
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    const values = columns.map((column) => `(random() * 2 - 1)::FLOAT AS ${column}`).join(', ');
    await connection.run('SELECT setseed(0.42)');
    for (let part = 0; part < 4; part++) {
      const from = Math.floor((rowCount / 4) * part);
      const to = Math.floor((rowCount / 4) * (part + 1));
      await connection.run(
        `COPY (SELECT range AS id, ${values} FROM range(${from}, ${to})) TO '${join(target, `part-${part}.parquet`)}' (FORMAT parquet, COMPRESSION zstd)`,
      );
    }
    connection.closeSync();
    instance.closeSync();
  }
  return {
    name: 'mlp',
    model: join(root, 'fixtures/models/mlp.onnx'),
    input: join(target, '*.parquet'),
    modelInput: 'features',
    columns,
    key: 'id',
    nulls: 'reject',
    outputs: ['score'],
    outputColumns: { score: 'score' },
  };
}
