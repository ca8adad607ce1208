import { AppError } from '../core/errors.ts';
import { nearest } from '../core/suggest.ts';
import { type ComparedColumn, compareValues } from './compare-values.ts';
import type { ChangedValue, Comparison, ComparisonRequest, DatasetFacts, TableComparer } from './contract.ts';
import { Database, dataError } from './duckdb.ts';
import { quoteList, quoteName, quoteText } from './sql.ts';

const worstCount = 10;

export function newTableComparer(options: { readonly threads: number }): TableComparer {
  return (request) => compareTables(request, options.threads);
}

async function compareTables(request: ComparisonRequest, threads: number): Promise<Comparison> {
  const { a, b, spillFolder } = request;
  const columns = comparedColumns(request);
  const readablePaths = [...a.files, ...b.files].map((file) => file.path);
  using database = await Database.open({ readablePaths, folders: [spillFolder], threads, spillFolder });
  try {
    await refuseRepeatedKeys(database, request);
    const names = (facts: DatasetFacts) => facts.columns.map((column) => column.name);
    return {
      ...(await countRows(database, request)),
      columnsOnlyInA: request.columns === undefined ? names(a).filter((name) => !names(b).includes(name)) : [],
      columnsOnlyInB: request.columns === undefined ? names(b).filter((name) => !names(a).includes(name)) : [],
      columns: await compareColumns(database, request, columns),
      worst: await findWorst(database, request, columns),
    };
  } catch (error) {
    throw dataError(error, 'the two tables');
  }
}

function comparedColumns({ a, b, keys, columns }: ComparisonRequest): readonly ComparedColumn[] {
  const typesA = typesOf(a);
  const typesB = typesOf(b);
  for (const name of [...keys, ...(columns ?? [])]) {
    const side = typesA.has(name) ? (typesB.has(name) ? undefined : 'B') : 'A';
    if (side === undefined) continue;
    const known = [...(side === 'A' ? typesA : typesB).keys()];
    const near = nearest(name, known);
    throw new AppError('COLUMN_MISSING', `column ${name} is not in ${side}`, {
      hint: near === undefined ? `its columns are ${known.join(', ')}` : `did you mean ${near}?`,
    });
  }
  const shared = columns ?? [...typesA.keys()].filter((name) => typesB.has(name));
  return shared
    .filter((name) => !keys.includes(name))
    .map((name) => ({ name, typeA: typesA.get(name) ?? '', typeB: typesB.get(name) ?? '' }));
}

function typesOf(facts: DatasetFacts): ReadonlyMap<string, string> {
  return new Map(facts.columns.map((column) => [column.name, column.type]));
}

function tableOf(facts: DatasetFacts): string {
  return `read_parquet(${quoteList(facts.files.map((file) => file.path))}, hive_partitioning = ${facts.hasPartitions}, union_by_name = true)`;
}

function joined({ a, b, keys }: ComparisonRequest, kind: 'JOIN' | 'FULL JOIN'): string {
  const on = keys.map((key) => `a.${quoteName(key)} IS NOT DISTINCT FROM b.${quoteName(key)}`).join(' AND ');
  return `(SELECT *, true AS __nightshift_here FROM ${tableOf(a)}) a ${kind} (SELECT *, true AS __nightshift_here FROM ${tableOf(b)}) b ON ${on}`;
}

async function refuseRepeatedKeys(database: Database, { a, b, keys }: ComparisonRequest): Promise<void> {
  const names = keys.map(quoteName).join(', ');
  for (const [side, facts] of [
    ['A', a],
    ['B', b],
  ] as const) {
    const [row] = await database.rows(
      `SELECT ${keys.map((key) => `${quoteName(key)}::VARCHAR AS ${quoteName(key)}`).join(', ')}, count(*)::DOUBLE AS times FROM ${tableOf(facts)} GROUP BY ALL HAVING times > 1 ORDER BY ${names} LIMIT 1`,
    );
    if (row === undefined) continue;
    const key = keys.map((name) => `${name} ${String(row[name])}`).join(', ');
    throw new AppError('USAGE', `--key does not name rows: ${key} occurs ${String(row['times'])} times in ${side}`, {
      hint: 'add columns to the key: --key a,b',
    });
  }
}

async function countRows(
  database: Database,
  request: ComparisonRequest,
): Promise<Pick<Comparison, 'rowsInBoth' | 'rowsOnlyInA' | 'rowsOnlyInB'>> {
  const [row] = await database.rows(
    `SELECT count(*) FILTER (a.__nightshift_here AND b.__nightshift_here)::DOUBLE AS both, count(*) FILTER (b.__nightshift_here IS NULL)::DOUBLE AS a, count(*) FILTER (a.__nightshift_here IS NULL)::DOUBLE AS b FROM ${joined(request, 'FULL JOIN')}`,
  );
  return { rowsInBoth: Number(row?.['both']), rowsOnlyInA: Number(row?.['a']), rowsOnlyInB: Number(row?.['b']) };
}

async function compareColumns(
  database: Database,
  request: ComparisonRequest,
  columns: readonly ComparedColumn[],
): Promise<Comparison['columns']> {
  if (columns.length === 0) return [];
  const aggregates = columns.flatMap((column, index) => {
    const { difference, changed, isNan, isNull } = compareValues(column, request.tolerance);
    return [
      `count(*) FILTER (${changed})::DOUBLE AS c${index}`,
      `count(*) FILTER (${isNan})::DOUBLE AS nan${index}`,
      `count(*) FILTER (${isNull})::DOUBLE AS null${index}`,
      `max(${difference}) AS m${index}`,
      `avg(${difference}) FILTER (isfinite(${difference})) AS a${index}`,
    ];
  });
  const [row] = await database.rows(`SELECT ${aggregates.join(', ')} FROM ${joined(request, 'JOIN')}`);
  return columns.map(({ name, typeA, typeB }, index) => ({
    name,
    type: typeA === typeB ? typeA : `${typeA} / ${typeB}`,
    changedRows: Number(row?.[`c${index}`]),
    nanRows: Number(row?.[`nan${index}`]),
    nullRows: Number(row?.[`null${index}`]),
    maxDifference: numberOf(row?.[`m${index}`]),
    meanDifference: numberOf(row?.[`a${index}`]),
  }));
}

async function findWorst(
  database: Database,
  request: ComparisonRequest,
  columns: readonly ComparedColumn[],
): Promise<readonly ChangedValue[]> {
  const keys = request.keys.map((key) => `${quoteText(key)}: a.${quoteName(key)}::VARCHAR`).join(', ');
  const found: { readonly value: ChangedValue; readonly size: number }[] = [];
  for (const column of columns) {
    const { difference, changed, isNumeric } = compareValues(column, request.tolerance);
    const name = quoteName(column.name);
    const rows = await database.rows(
      `SELECT {${keys}} AS key, a.${name}::VARCHAR AS a, b.${name}::VARCHAR AS b, ${difference} AS difference FROM ${joined(request, 'JOIN')} WHERE ${changed} ORDER BY difference DESC NULLS FIRST, ${request.keys.map((key) => `a.${quoteName(key)}`).join(', ')} LIMIT ${worstCount}`,
    );
    for (const row of rows) {
      const key = Object.entries(Object(row['key'])).map(([part, value]) => [part, String(value)]);
      const value = {
        key: Object.fromEntries(key),
        column: column.name,
        a: textOf(row['a']),
        b: textOf(row['b']),
        difference: numberOf(row['difference']),
      };
      // A number that became NaN or null is worse than any other; a text has no size, so it comes last.
      found.push({ value, size: value.difference ?? (isNumeric ? Number.POSITIVE_INFINITY : -1) });
    }
  }
  return found
    .sort((x, y) => (x.size === y.size ? 0 : y.size - x.size))
    .slice(0, worstCount)
    .map(({ value }) => value);
}

function textOf(value: unknown): string {
  return value === null ? 'null' : String(value);
}

/** DuckDB's JSON spells what JSON cannot hold as texts. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? Number(value) : undefined;
}
