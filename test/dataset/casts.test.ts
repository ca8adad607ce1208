import { describe, expect, it } from 'vitest';
import { castability, familyOf } from '../../src/dataset/column-type.ts';
import { type ElementType, elementTypes } from '../../src/dataset/contract.ts';
import { ScanTable, scanAll } from './scan-table.ts';

/** What became of a value: what the tensor holds, or nothing because the row was rejected. */
type Outcome = number | bigint | string | undefined;

const ranges: Partial<Readonly<Record<ElementType, readonly [bigint, bigint]>>> = {
  int8: [-(2n ** 7n), 2n ** 7n - 1n],
  int16: [-(2n ** 15n), 2n ** 15n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint8: [0n, 2n ** 8n - 1n],
  uint16: [0n, 2n ** 16n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

/** A whole number as an element, or nothing when the element type cannot hold it. */
function wholeAs(value: bigint, element: ElementType): Outcome {
  const range = ranges[element];
  if (range !== undefined) {
    if (value < range[0] || value > range[1]) return undefined;
    return element.endsWith('64') ? value : Number(value);
  }
  if (element === 'string') return String(value);
  if (element === 'bool') return value === 0n || value === 1n ? Number(value) : undefined;
  const number = element === 'float64' ? Number(value) : Math.fround(Number(value));
  if (element === 'float16') return value >= -2048n && value <= 2048n ? number : undefined;
  return BigInt(number) === value ? number : undefined;
}

/** A float as an element: rounded to a float, never to a whole number. */
function floatAs(value: number, element: ElementType): Outcome {
  if (element === 'float64') return value;
  if (element === 'float32') {
    const rounded = Math.fround(value);
    return Number.isFinite(value) && !Number.isFinite(rounded) ? undefined : rounded;
  }
  // Held as float32 until tensors are made.
  if (element === 'float16')
    return Math.abs(value) < 65_520 || !Number.isFinite(value) ? Math.fround(value) : undefined;
  return Number.isInteger(value) ? wholeAs(BigInt(value), element) : undefined;
}

const wholeNumbers = [
  ...[0n, 1n, 2n, 127n, 128n, 255n, 256n, 2048n, 2049n, 32_767n, 32_768n, 65_535n, 65_536n],
  ...[2n ** 24n, 2n ** 24n + 1n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 53n + 1n],
  ...[2n ** 62n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n],
];
const signed = [...wholeNumbers, ...wholeNumbers.slice(1).map((value) => -value), -(2n ** 63n)];

function within(bits: bigint, isSigned: boolean): readonly bigint[] {
  const [least, greatest] = isSigned ? [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n] : [0n, 2n ** bits - 1n];
  return [...new Set([...signed, least, greatest])].filter((value) => value >= least && value <= greatest);
}

interface Source {
  readonly type: string;
  /** Each value as SQL, and what it should become. */
  readonly values: readonly { readonly sql: string; readonly as: (element: ElementType) => Outcome }[];
}

function integers(type: string, bits: bigint, isSigned: boolean): Source {
  return {
    type,
    values: within(bits, isSigned).map((value) => ({
      sql: `'${value}'::${type}`,
      as: (element) => wholeAs(value, element),
    })),
  };
}

function floats(type: string, numbers: readonly number[]): Source {
  return {
    type,
    values: numbers.map((value) => ({ sql: `'${value}'::${type}`, as: (element) => floatAs(value, element) })),
  };
}

function decimals(type: string, texts: readonly string[]): Source {
  return {
    type,
    values: texts.map((text) => ({
      sql: `'${text}'::${type}`,
      as: (element) => {
        if (element.startsWith('float')) return floatAs(Number(text), element);
        return /\.0*[1-9]/.test(text) ? undefined : wholeAs(BigInt(text.replace(/\..*/, '')), element);
      },
    })),
  };
}

function texts(values: readonly string[]): Source {
  return {
    type: 'VARCHAR',
    values: values.map((value) => ({
      sql: `'${value}'`,
      as: (element) => {
        if (element === 'string') return value;
        const trimmed = value.trim();
        if (element.startsWith('float')) {
          if (/^[+-]?(inf|infinity|nan)$/i.test(trimmed))
            return floatAs(Number(trimmed.replace(/inf(inity)?/i, 'Infinity')), element);
          const number = Number(trimmed);
          const isNumber = /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(trimmed) && Number.isFinite(number);
          return isNumber ? floatAs(number, element) : undefined;
        }
        return /^[+-]?\d+$/.test(trimmed) ? wholeAs(BigInt(trimmed.replace('+', '')), element) : undefined;
      },
    })),
  };
}

const someFloats = [0, 0.5, -1, 1, 3.5, 255, 256, 65_519, 65_520, 2 ** 24, 2 ** 31, 2 ** 32, 2 ** 63, -(2 ** 63), 1e30];
const noNumbers = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

const sources: readonly Source[] = [
  integers('TINYINT', 8n, true),
  integers('SMALLINT', 16n, true),
  integers('INTEGER', 32n, true),
  integers('BIGINT', 64n, true),
  integers('UTINYINT', 8n, false),
  integers('USMALLINT', 16n, false),
  integers('UINTEGER', 32n, false),
  integers('UBIGINT', 64n, false),
  floats('FLOAT', [...someFloats.map(Math.fround), ...noNumbers]),
  floats('DOUBLE', [...someFloats, ...noNumbers, 2 ** 24 + 1, 2 ** 53 + 2, 0.1, 1e39, -1e300, 1e-300]),
  decimals('DECIMAL(9,2)', ['0.00', '1.00', '-1.00', '3.50', '255.00', '256.00', '70000.00', '0.01']),
  decimals('DECIMAL(38,0)', ['0', '1', '18446744073709551615', '18446744073709551616', '-9223372036854775808']),
  {
    type: 'BOOLEAN',
    values: [true, false].map((value) => ({
      sql: String(value),
      as: (element) => (element === 'string' ? String(value) : wholeAs(value ? 1n : 0n, element)),
    })),
  },
  texts([
    '12',
    'abc',
    ' 7 ',
    '',
    '-3',
    '+5',
    '3.5',
    '1e3',
    '300',
    '70000',
    '1e39',
    '1e400',
    '1_000',
    'Infinity',
    '0x10',
    'nan',
    '-inf',
    'N/A',
    '18446744073709551615',
  ]),
];

const pairs = sources.flatMap((source) => elementTypes.map((element) => ({ ...source, element })));

describe('the cast of each type to each element', () => {
  it.each(pairs)('$type to $element loses nothing, or rejects the row', async ({ type, values, element }) => {
    const kind = castability(type, element);
    const isRefused =
      (element === 'string' && ['float', 'decimal'].includes(familyOf(type))) ||
      (element === 'bool' && !['integer', 'bool'].includes(familyOf(type)));
    expect(kind === 'never').toBe(isRefused);
    if (isRefused) return;
    const rows = values.map(({ sql }, row) => `(${row}, ${sql})`);
    using table = await ScanTable.of(
      `SELECT v::${type} AS v, i::INTEGER AS i FROM (VALUES ${rows.join(', ')}) t(i, v) ORDER BY i`,
    );
    const features = [table.feature(['v'], element), table.feature(['i'], 'int32')];
    const { values: scanned, counts } = await scanAll(table, features);
    const outcomes = values.map((value): Outcome => value.as(element));
    const kept = outcomes.flatMap((outcome, row) => (outcome === undefined ? [] : [row]));
    expect(scanned[1]).toEqual(kept);
    expect(scanned[0]).toEqual(kept.map((row) => outcomes[row]));
    expect(counts).toEqual({ matchedRows: values.length, rejectedRows: values.length - kept.length });
    if (kind === 'always') expect(kept).toHaveLength(values.length);
    const rejects = await table.rejects(features);
    expect(rejects.map((row) => row['row_number'])).toEqual(
      outcomes.flatMap((outcome, row) => (outcome === undefined ? [row] : [])),
    );
    for (const row of rejects) {
      expect(row['code']).toBe('CAST_LOSSY');
      expect(row['message']).toMatch(new RegExp(`^column v: .* cannot become ${element} without loss$`, 's'));
    }
  });
});

describe('nulls', () => {
  const select = "SELECT * FROM (VALUES (0, 1, 'a', true), (1, NULL, NULL, NULL), (2, 3, 'c', false)) t(i, n, t, b)";

  it('reject their rows, each with the column that has one', async () => {
    using table = await ScanTable.of(select);
    const features = [table.feature(['i', 'n'], 'float32'), table.feature(['t'], 'string')];
    const { values, counts } = await scanAll(table, features);
    expect(values).toEqual([
      [0, 1, 2, 3],
      ['a', 'c'],
    ]);
    expect(counts).toEqual({ matchedRows: 3, rejectedRows: 1 });
    expect(await table.rejects(features)).toEqual([{ row_number: 1, code: 'NULL_VALUE', message: 'column n is null' }]);
  });

  it('become NaN or the value that is given', async () => {
    using table = await ScanTable.of(select);
    const features = [
      table.feature(['n'], 'float32', { nulls: 'nan' }),
      table.feature(['n'], 'float16', { nulls: 'nan' }),
      table.feature(['n'], 'int64', { nulls: { value: -7 } }),
      table.feature(['n', 'i'], 'float64', { nulls: { value: 0.5 } }),
      table.feature(['t'], 'string', { nulls: { value: "it's" } }),
      table.feature(['b'], 'bool', { nulls: { value: true } }),
    ];
    const { values, counts } = await scanAll(table, features);
    expect(values).toEqual([
      [1, Number.NaN, 3],
      [1, Number.NaN, 3],
      [1n, -7n, 3n],
      [1, 0, 0.5, 1, 3, 2],
      ['a', "it's", 'c'],
      [1, 1, 0],
    ]);
    expect(counts.rejectedRows).toBe(0);
  });
});

describe('lists', () => {
  it('fill a row each; wrong lengths, nulls and values that do not fit reject theirs', async () => {
    using table = await ScanTable.of(
      `SELECT * FROM (VALUES (0, [1, 2]), (1, [1, 2, 3]), (2, [1]), (3, []), (4, NULL), (5, [1, NULL]), (6, [1, 300]), (7, [3, 4])) t(i, l)`,
    );
    const features = [table.feature(['l'], 'uint8', { innerShape: [2] })];
    expect((await scanAll(table, features)).values).toEqual([[1, 2, 3, 4]]);
    expect((await table.rejects(features)).map((row) => `${row['row_number']} ${row['code']}`)).toEqual([
      '1 LIST_LENGTH',
      '2 LIST_LENGTH',
      '3 LIST_LENGTH',
      '4 NULL_VALUE',
      '5 NULL_VALUE',
      '6 CAST_LOSSY',
    ]);
    const filled = [table.feature(['l'], 'float32', { innerShape: [2], nulls: 'nan' })];
    expect((await scanAll(table, filled)).values).toEqual([[1, 2, 1, Number.NaN, 1, 300, 3, 4]]);
  });

  it('may be nested, and are rejected where they are ragged', async () => {
    using table = await ScanTable.of(
      `SELECT * FROM (VALUES ([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), ([[1.0, 2.0], [3.0, 4.0, 5.0, 6.0]]), ([[7.0, 8.0, 9.0], NULL]), ([[1.0, 1.0, 1.0], [1.0, 1.0, 0.5]])) t(l)`,
    );
    const features = [table.feature(['l'], 'float32', { innerShape: [2, 3] })];
    const { values, counts } = await scanAll(table, features);
    expect(values).toEqual([[1, 2, 3, 4, 5, 6, 1, 1, 1, 1, 1, 0.5]]);
    expect(counts).toEqual({ matchedRows: 4, rejectedRows: 2 });
    expect((await table.rejects(features)).map((row) => row['code'])).toEqual(['LIST_LENGTH', 'LIST_LENGTH']);
  });

  it('of texts fill string inputs', async () => {
    using table = await ScanTable.of(`SELECT * FROM (VALUES (['a', 'ü']), (['b', NULL])) t(l)`);
    const features = [table.feature(['l'], 'string', { innerShape: [2], nulls: { value: '' } })];
    expect((await scanAll(table, features)).values).toEqual([['a', 'ü', 'b', '']]);
  });
});
