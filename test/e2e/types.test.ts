import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Finished,
  type Job,
  makeParquet,
  published,
  publishedColumn,
  publishedTypes,
  rejected,
  runJob,
  runJobs,
  temporaryFolder,
  typeModel,
} from './nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

interface TypeCase {
  readonly model: string;
  /** DuckDB type of the input's columns. */
  readonly type: string;
  /** SQL rows of two columns. */
  readonly values: string;
  /** Rows of the output. */
  readonly y: readonly (readonly unknown[])[];
  readonly published?: string;
}

const { NaN: nan, POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: minusInf } = Number;
const long = 'ß'.repeat(3000);

const cases: readonly TypeCase[] = [
  {
    model: 'int64',
    type: 'BIGINT',
    values: '(-9223372036854775808, 9223372036854775807), (9007199254740993, 9007199254740995)',
    y: [
      [-9223372036854775808n, 9223372036854775807n],
      [9007199254740993n, 9007199254740995n],
    ],
  },
  {
    model: 'int8',
    type: 'TINYINT',
    values: '(-128, 127), (0, 1)',
    y: [
      [-128, 127],
      [0, 1],
    ],
  },
  {
    model: 'int16',
    type: 'SMALLINT',
    values: '(-32768, 32767), (0, 1)',
    y: [
      [-32768, 32767],
      [0, 1],
    ],
  },
  {
    model: 'int32',
    type: 'INTEGER',
    values: '(-2147483648, 2147483647), (0, 1)',
    y: [
      [-2147483648, 2147483647],
      [0, 1],
    ],
  },
  {
    model: 'uint8',
    type: 'UTINYINT',
    values: '(0, 255), (7, 1)',
    y: [
      [0, 255],
      [7, 1],
    ],
  },
  {
    model: 'uint16',
    type: 'USMALLINT',
    values: '(0, 65535), (7, 1)',
    y: [
      [0, 65535],
      [7, 1],
    ],
  },
  {
    model: 'uint32',
    type: 'UINTEGER',
    values: '(0, 4294967295), (7, 1)',
    y: [
      [0, 4294967295],
      [7, 1],
    ],
  },
  {
    model: 'uint64',
    type: 'UBIGINT',
    values: '(0, 18446744073709551615), (9223372036854775808, 1)',
    y: [
      [0n, 18446744073709551615n],
      [9223372036854775808n, 1n],
    ],
  },
  {
    model: 'float64',
    type: 'DOUBLE',
    values: "('0.1', '1e300'), ('5e-324', '-0.0'), ('nan', '-inf'), ('0.30000000000000004', 'inf')",
    y: [
      [0.1, 1e300],
      [5e-324, -0],
      [nan, minusInf],
      [0.30000000000000004, inf],
    ],
  },
  {
    model: 'float32',
    type: 'FLOAT',
    values: "('0.1', '3.4e38'), ('1e-45', '-0.0'), ('nan', '-inf')",
    y: [
      [Math.fround(0.1), Math.fround(3.4e38)],
      [Math.fround(1e-45), -0],
      [nan, minusInf],
    ],
  },
  {
    // Rounded to the nearest even of 11 bits on the way in; published as float32, which holds them all.
    model: 'float16',
    type: 'FLOAT',
    values: "('0.1', '65504'), ('5.960464477539063e-8', '-0.0'), ('nan', '-inf'), ('2049', '2051')",
    y: [
      [0.0999755859375, 65504],
      [2 ** -24, -0],
      [nan, minusInf],
      [2048, 2052],
    ],
  },
  {
    model: 'bool',
    type: 'BOOLEAN',
    values: '(true, false), (false, false), (true, true)',
    y: [
      [true, false],
      [false, false],
      [true, true],
    ],
  },
  {
    model: 'string',
    type: 'VARCHAR',
    values: `('', 'it''s'), ('größe 東京 🌙', '${long}'), ('a\nb', '"q"')`,
    y: [
      ['', "it's"],
      ['größe 東京 🌙', long],
      ['a\nb', '"q"'],
    ],
  },
];

describe('a model of one element type', () => {
  let finished: Finished;
  beforeAll(async () => {
    const jobs: Record<string, Job> = {};
    for (const { model, type, values } of cases) {
      await makeParquet(
        join(folder.path, `${model}.parquet`),
        `SELECT a::${type} AS a, b::${type} AS b FROM (VALUES ${values}) t(a, b)`,
      );
      jobs[model] = {
        model: typeModel(model),
        input: `${model}.parquet`,
        features: { x: ['a', 'b'] },
        output: { path: model, keep: ['b'], nonFinite: 'allow' },
      };
    }
    finished = await runJobs(folder.path, jobs);
  });

  it('runs for each type and says nothing on stderr', () => {
    expect(finished).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it.each(cases)('gives back every $model as it was', async ({ model, type, y }) => {
    expect(await publishedColumn(folder.path, 'y', model)).toEqual(y);
    expect(await publishedTypes(folder.path, model)).toEqual({ b: type, y: `${type}[]` });
  });
});

describe('a model with one input a column', () => {
  const names = cases.map(({ model }) => model);

  it('takes the columns of its names and gives one scalar column an output', async () => {
    await makeParquet(
      join(folder.path, 'all.parquet'),
      `SELECT (i + 0.5)::FLOAT AS float32, (i / 3)::DOUBLE AS float64, (i * 0.25)::FLOAT AS float16,
         (i - 50)::TINYINT AS int8, (i * 300)::SMALLINT AS int16, (i * 70000)::INTEGER AS int32, (9007199254740993 + 2 * i)::BIGINT AS int64,
         i::UTINYINT AS uint8, (i * 600)::USMALLINT AS uint16, (i * 40000000)::UINTEGER AS uint32, (9223372036854775808 + i)::UBIGINT AS uint64,
         i % 3 = 0 AS bool, 'row ' || i AS string FROM range(100) t(i)`,
      30,
    );
    const job = { model: typeModel('all_types'), input: 'all.parquet', output: { path: 'all', keep: '*' } };
    expect(await runJob(folder.path, job)).toMatchObject({ exitCode: 0, stderr: '' });
    const rows = await published(folder.path, 'all');
    expect(rows).toHaveLength(100);
    for (const name of names) expect(rows.map((row) => row[`${name}_out`])).toEqual(rows.map((row) => row[name]));
    expect(await publishedTypes(folder.path, 'all')).toMatchObject({ uint8_out: 'UTINYINT', string_out: 'VARCHAR' });
  });

  it('takes columns of other types where nothing is lost, and rejects the rows where something would be', async () => {
    // By input: the column's type, a value that fits, what comes of it, and a value that does not fit.
    const casts: Readonly<Record<string, readonly [type: string, fits: string, y: unknown, unfit: string]>> = {
      float32: ['BIGINT', '16777216', 16777216, '16777217'],
      float64: ['BIGINT', '9007199254740992', 9007199254740992, '9007199254740993'],
      float16: ['FLOAT', '0.5', 0.5, '70000.0'],
      int8: ['DOUBLE', '-7', -7, '0.5'],
      int16: ['INTEGER', '32767', 32767, '32768'],
      int32: ['VARCHAR', "' -12 '", -12, "'1.5'"],
      int64: ['UBIGINT', '9223372036854775807', 9223372036854775807n, '9223372036854775808'],
      uint8: ['TINYINT', '127', 127, '-1'],
      uint16: ['DECIMAL(9,2)', '65535.00', 65535, '1.25'],
      uint32: ['BIGINT', '4294967295', 4294967295, '4294967296'],
      uint64: ['BIGINT', '9223372036854775807', 9223372036854775807n, '-1'],
      bool: ['INTEGER', '1', true, '2'],
      string: ['BIGINT', '9007199254740993', '9007199254740993', '1'],
    };
    const inputs = Object.entries(casts);
    const columns = inputs.map(
      ([name, [type, fits, , unfit]], index) =>
        `(CASE i WHEN ${index} THEN ${unfit} ELSE ${fits} END)::${type} AS c_${name}`,
    );
    await makeParquet(join(folder.path, 'cast.parquet'), `SELECT ${columns.join(', ')} FROM range(14) t(i)`);
    const job = {
      model: typeModel('all_types'),
      input: 'cast.parquet',
      features: Object.fromEntries(inputs.map(([name]) => [name, `c_${name}`])),
      output: 'cast',
      errors: { maxRejected: 12 },
    };
    expect(await runJob(folder.path, job)).toMatchObject({ exitCode: 0, stderr: '' });
    const unfit = inputs.filter(([name]) => name !== 'string');
    expect((await rejected(folder.path, 'cast')).map((row) => row['message'])).toEqual(
      unfit.map(
        ([name, [, , , value]]) => `column c_${name}: ${value.replaceAll("'", '')} cannot become ${name} without loss`,
      ),
    );
    const fits = Object.fromEntries(inputs.map(([name, [, , y]]) => [`${name}_out`, y]));
    expect(await published(folder.path, 'cast')).toEqual([{ ...fits, string_out: '1' }, fits]);
  });
});
