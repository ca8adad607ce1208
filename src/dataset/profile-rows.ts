import type { ColumnSchema, DatasetFacts, ProfileRequest, RowProfile, RowProfiler } from './contract.ts';
import { Database, dataError } from './duckdb.ts';
import { featureSql, passCondition } from './feature-sql.ts';
import { sourceSql } from './source-sql.ts';
import { quoteList, quoteName } from './sql.ts';

export function newRowProfiler({ threads }: { readonly threads: number }): RowProfiler {
  return (facts, request) => profileRows(facts, request, threads);
}

async function profileRows(facts: DatasetFacts, request: ProfileRequest, threads: number): Promise<RowProfile> {
  const paths = facts.files.map((file) => file.path);
  using database = await Database.open({ readablePaths: paths, folders: [], threads });
  const source = sourceOf(facts);
  const sample =
    request.sampleRows === undefined ? source : `(SELECT * FROM ${source} LIMIT ${request.sampleRows}) sample`;
  try {
    const [counts = {}] = await database.rows(`SELECT ${measures(request).join(', ')} FROM ${sample}`);
    const texts = request.texts.length === 0 ? [] : await database.rows(textsSql(request, sample));
    const firstRows = await database.rows(firstRowsSql(facts.columns, source, request.firstRows));
    return {
      rowCount: Number(counts['rows']),
      nullCounts: new Map(request.nullsOf.map((name, index) => [name, Number(counts[`nulls${index}`])])),
      nonFiniteCounts: new Map((request.nonFiniteOf ?? []).map((name, index) => [name, Number(counts[`odd${index}`])])),
      unique: new Set(request.uniqueOf.filter((_, index) => counts[`unique${index}`] === true)),
      rejected: request.rejectsOf.map((_, index) => Number(counts[`rejected${index}`])),
      textsFound: texts.map((row) => String(row['text'])),
      firstRows,
      distinctRows: Number(counts['distinct']),
      meanLengths: new Map(
        (request.lengthsOf ?? []).map((name, index) => [name, Number(counts[`length${index}`] ?? 0)]),
      ),
    };
  } catch (error) {
    const named = facts.files.find((file) => error instanceof Error && error.message.includes(file.path));
    throw dataError(error, named?.source ?? facts.files.map((file) => file.source).join(', '));
  }
}

function sourceOf({ files, columns, hasPartitions }: DatasetFacts): string {
  const whole = files.map((file) => ({ ...file, rowStart: 0, rowEnd: file.rowCount }));
  return sourceSql({ files: whole, columns, hasPartitions, where: undefined }, columns);
}

function measures({
  nullsOf,
  nonFiniteOf = [],
  uniqueOf,
  rejectsOf,
  distinctOf = [],
  lengthsOf = [],
}: ProfileRequest): readonly string[] {
  const nulls = nullsOf.map((name, index) => `(count(*) - count(${quoteName(name)}))::DOUBLE AS nulls${index}`);
  const odd = nonFiniteOf.map(
    (name, index) => `(count(*) FILTER (WHERE NOT isfinite(${quoteName(name)})))::DOUBLE AS odd${index}`,
  );
  const unique = uniqueOf.map(
    (name, index) => `(count(DISTINCT ${quoteName(name)}) = count(*)) AS ${quoteName(`unique${index}`)}`,
  );
  const rejected = rejectsOf.map((features, index) => {
    const pass = passCondition(features.map(featureSql));
    return pass === undefined
      ? `0 AS rejected${index}`
      : `(count(*) FILTER (WHERE NOT (${pass})))::DOUBLE AS rejected${index}`;
  });
  const hash = distinctOf.length === 0 ? '0' : `hash(${distinctOf.map(quoteName).join(', ')})`;
  return [
    'count(*)::DOUBLE AS rows',
    `count(DISTINCT ${hash})::DOUBLE AS "distinct"`,
    ...nulls,
    ...odd,
    ...unique,
    ...rejected,
    ...lengthsOf.map((name, index) => `avg(length(${quoteName(name)}))::DOUBLE AS length${index}`),
  ];
}

function textsSql({ textsIn, texts }: ProfileRequest, sample: string): string {
  const lists = textsIn.map(
    (name) =>
      `list(DISTINCT ${quoteName(name)}) FILTER (WHERE ${quoteName(name)} IN (SELECT unnest(${quoteList(texts)})))`,
  );
  return `SELECT DISTINCT unnest(flatten([${lists.map((list) => `coalesce(${list}, [])`).join(', ')}])) AS text FROM ${sample} ORDER BY text`;
}

function firstRowsSql(columns: readonly ColumnSchema[], source: string, rowCount: number): string {
  const shown = columns.map(({ name, type }) => {
    const column = quoteName(name);
    // Through its text, a 32-bit 39.02 stays 39.02 instead of the double next to it.
    return type === 'FLOAT' ? `${column}::VARCHAR::DOUBLE AS ${column}` : column;
  });
  return `SELECT ${shown.join(', ')} FROM ${source} LIMIT ${rowCount}`;
}
