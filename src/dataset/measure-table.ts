import { familyOf } from './column-type.ts';
import type { Measure, Measurement, TableMeasurer, WrittenColumn } from './contract.ts';
import { Database, dataError } from './duckdb.ts';
import type { ExampleRow, MeasureRequest } from './measures.ts';
import { spreadOf } from './spread.ts';
import { quoteName, quoteText } from './sql.ts';
import { readableFiles, writtenSource, writtenValue } from './written-source.ts';

export function newTableMeasurer(options: {
  readonly threads: number;
  readonly memoryLimitBytes: number;
}): TableMeasurer {
  return (request) => measureTable(request, options);
}

/** All that one scan can tell is asked for in one query; keys, distinct values and spreads take one each. */
async function measureTable(
  request: MeasureRequest,
  limits: { readonly threads: number; readonly memoryLimitBytes: number },
): Promise<readonly Measurement[]> {
  const { measures, spillFolder, signal } = request;
  const readablePaths = [...request.table.paths, ...(request.reference?.paths ?? [])];
  using database = await Database.open({ ...limits, readablePaths, folders: [spillFolder], spillFolder, signal });
  try {
    const { columns } = request.table;
    const table = {
      ...(await readableFiles(database, request.table, { folder: spillFolder, firstIndex: 0 })),
      columns,
    };
    const reference =
      request.reference &&
      (await readableFiles(database, request.reference, { folder: spillFolder, firstIndex: table.paths.length }));
    const readable = { ...request, table, reference };
    const scanned = await scan(database, readable);
    const found: Measurement[] = [];
    for (const [index, measure] of measures.entries())
      found.push(scanned.get(index) ?? (await measureAlone(database, readable, measure)));
    return found;
  } catch (error) {
    throw dataError(error, request.table.paths[0] ?? 'the staged parts');
  }
}

async function scan(database: Database, request: MeasureRequest): Promise<ReadonlyMap<number, Measurement>> {
  const scans = request.measures.flatMap((measure, index) => {
    const sql = scanSql(request, measure);
    return sql === undefined ? [] : [{ index, ...sql }];
  });
  if (scans.length === 0) return new Map();
  const selected = scans.flatMap(({ index, counted, value, example }) => [
    `${counted}::DOUBLE AS __nightshift_count${index}`,
    `${value}::DOUBLE AS __nightshift_value${index}`,
    `${example} AS __nightshift_example${index}`,
  ]);
  const [row] = await database.rows(`SELECT ${selected.join(', ')} FROM ${sourceOf(request)}`);
  return new Map(
    scans.map(({ index }) => [
      index,
      {
        count: Number(row?.[`__nightshift_count${index}`]),
        value: numberOf(row?.[`__nightshift_value${index}`]),
        example: exampleOf(row?.[`__nightshift_example${index}`]),
      },
    ]),
  );
}

interface ScanSql {
  readonly counted: string;
  readonly value: string;
  readonly example: string;
}

/** Aggregates over all rows; undefined for what a single scan cannot tell. */
function scanSql(request: MeasureRequest, measure: Measure): ScanSql | undefined {
  switch (measure.type) {
    case 'rows':
      return { counted: 'count(*)', value: 'NULL', example: 'NULL' };
    case 'mean':
      return { counted: 'count(*)', value: `avg(${valueSql(request, measure.column)})`, example: 'NULL' };
    case 'nulls':
      return counting(request, measure.column, `${quoteName(measure.column)} IS NULL`);
    case 'below': {
      const { value, isNan } = numberSql(request, measure.column);
      const sql = counting(request, measure.column, `${isNan} OR ${value} < ${boundSql(request, measure)}`);
      return { ...sql, value: `CASE WHEN bool_or(${isNan}) THEN 'NaN'::DOUBLE ELSE min(${value})::DOUBLE END` };
    }
    case 'above': {
      const { value, isNan } = numberSql(request, measure.column);
      const sql = counting(request, measure.column, `${isNan} OR ${value} > ${boundSql(request, measure)}`);
      return { ...sql, value: `CASE WHEN bool_or(${isNan}) THEN 'NaN'::DOUBLE ELSE max(${value})::DOUBLE END` };
    }
    case 'outside': {
      const { column, values } = measure;
      const isNumber = isNumeric(columnOf(request, column).type);
      const value = isNumber ? valueSql(request, column) : `${quoteName(column)}::VARCHAR`;
      const literals = values.map((known) =>
        isNumber ? boundSql(request, { column, bound: Number(known) }) : quoteText(String(known)),
      );
      return counting(request, column, `${value} NOT IN (${literals.join(', ')})`);
    }
    default:
      return undefined;
  }
}

/** Counts rows that meet a condition, with one of them as an example. */
function counting(request: MeasureRequest, column: string, condition: string): ScanSql {
  const keys = request.keys.map((key) => `${quoteText(key)}: ${quoteName(key)}::VARCHAR`);
  const example = `{'key': ${keys.length === 0 ? 'NULL' : `{${keys.join(', ')}}`}, 'value': ${quoteName(column)}::VARCHAR}`;
  return {
    counted: `count(*) FILTER (${condition})`,
    value: 'NULL',
    // A CASE makes the texts of rows at fault only, where a FILTER would make those of all.
    example: `any_value(CASE WHEN ${condition} THEN ${example} END)`,
  };
}

async function measureAlone(database: Database, request: MeasureRequest, measure: Measure): Promise<Measurement> {
  if (measure.type === 'repeated') return measureRepeated(database, request, measure.columns);
  if (measure.type === 'distinct') {
    const value = valueSql(request, measure.column);
    const [row] = await database.rows(
      `SELECT count(*)::DOUBLE AS times FROM (SELECT DISTINCT ${value} AS x FROM ${sourceOf(request)}) WHERE x IS NOT NULL`,
    );
    return { count: Number(row?.['times']) };
  }
  if (measure.type !== 'spread') throw new Error(`${measure.type} is measured by a scan`);
  const column = columnOf(request, measure.column);
  return { count: 0, bins: await spreadOf(database, { ...request, column }) };
}

async function measureRepeated(
  database: Database,
  request: MeasureRequest,
  columns: readonly string[],
): Promise<Measurement> {
  const keys = columns.map((name) => `${quoteText(name)}: ${quoteName(name)}::VARCHAR`).join(', ');
  const grouped = `SELECT {${keys}} AS key, count(*) AS times FROM ${sourceOf(request)} GROUP BY ${columns.map(quoteName).join(', ')} HAVING count(*) > 1`;
  const [row] = await database.rows(
    `SELECT coalesce(sum(times - 1), 0)::DOUBLE AS repeated, {'key': min(key), 'value': NULL} AS example FROM (${grouped})`,
  );
  return { count: Number(row?.['repeated']), example: exampleOf(row?.['example']) };
}

function sourceOf({ table }: MeasureRequest): string {
  return writtenSource(
    table,
    table.columns.map(({ name }) => name),
  );
}

function columnOf({ table }: MeasureRequest, name: string): WrittenColumn {
  const column = table.columns.find((candidate) => candidate.name === name);
  if (column === undefined) throw new Error(`no column ${name} is written`);
  return column;
}

function valueSql(request: MeasureRequest, name: string): string {
  return writtenValue(columnOf(request, name), request.table.format);
}

function isNumeric(type: string): boolean {
  return ['integer', 'float', 'decimal'].includes(familyOf(type));
}

function numberSql(request: MeasureRequest, name: string) {
  const value = valueSql(request, name);
  return { value, isNan: familyOf(columnOf(request, name).type) === 'float' ? `isnan(${value})` : 'false' };
}

/** A float's bound is rounded as its values are, so that 0.1 is not below 0.1. */
function boundSql(request: MeasureRequest, { column, bound }: { readonly column: string; readonly bound: number }) {
  return `'${bound}'::${columnOf(request, column).type === 'FLOAT' ? 'FLOAT' : 'DOUBLE'}`;
}

/** DuckDB's JSON spells what JSON cannot hold as texts. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? Number(value) : undefined;
}

function exampleOf(found: unknown): ExampleRow | undefined {
  if (typeof found !== 'object' || found === null || !('key' in found)) return undefined;
  const value = 'value' in found && typeof found.value === 'string' ? found.value : undefined;
  const key = Object.entries(Object(found.key ?? {})).map(([name, text]) => [name, String(text)]);
  return key.length === 0 && value === undefined ? undefined : { key: Object.fromEntries(key), value };
}
