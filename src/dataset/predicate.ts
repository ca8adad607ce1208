import { AppError, messageOf } from '../core/errors.ts';
import type { RowSelection } from './contract.ts';
import { type Database, dataError, isOutOfMemory } from './duckdb.ts';
import { sourceSql, whereSql } from './source-sql.ts';
import { quoteText } from './sql.ts';

/**
 * Refuses a predicate that is not one boolean expression over the row's columns: nothing that reads other
 * tables, aggregates, or answers differently when asked twice (a shard is read once to score and once to write).
 * @throws AppError PREDICATE_INVALID, COLUMN_MISSING
 */
export async function checkPredicate(database: Database, selection: RowSelection): Promise<void> {
  const { where } = selection;
  if (where === undefined) return;
  const tree = await parse(database, where);
  const nodes = [...walk(tree)];
  const statement = nodes.find((node) => node['type'] === 'SELECT_NODE');
  const isOneExpression =
    statement !== undefined &&
    isWrapped(statement['select_list']) &&
    lengthOf(statement['modifiers']) === 0 &&
    typeOf(statement['from_table']) === 'EMPTY' &&
    statement['where_clause'] === null &&
    statement['having'] === null &&
    statement['qualify'] === null &&
    nodes.filter((node) => node['type'] === 'SELECT_NODE' || node['type'] === 'SET_OPERATION_NODE').length === 1;
  if (!isOneExpression || nodes.some((node) => node['class'] === 'SUBQUERY' || node['class'] === 'WINDOW')) {
    throw invalid(
      where,
      'it must be one boolean expression over the columns of a row',
      'leave out subqueries, window functions and clauses such as ORDER BY',
    );
  }
  await refuseUnsteady(database, selection, nodes);
  await bind(database, selection);
}

async function parse(database: Database, where: string): Promise<unknown> {
  const [row] = await database.rows(
    `SELECT json_serialize_sql(${quoteText(`SELECT coalesce(${where}\n, true)`)})::VARCHAR AS tree`,
  );
  const tree: unknown = JSON.parse(String(row?.['tree']));
  if (isNode(tree) && tree['error'] === true)
    throw invalid(where, String(tree['error_message']), 'write it as in the WHERE clause of DuckDB SQL');
  return tree;
}

/** Names of the clock that DuckDB's catalog does not list, or lists as if they always answered the same. */
const clockNames: ReadonlySet<string> = new Set([
  'current_timestamp',
  'current_time',
  'current_localtimestamp',
  'current_localtime',
  'localtimestamp',
  'localtime',
  'age of one date',
]);

async function refuseUnsteady(database: Database, selection: RowSelection, nodes: readonly Node[]): Promise<void> {
  const where = selection.where ?? '';
  const own = new Set(selection.columns.map((column) => column.name.toLowerCase()));
  const names = new Set(
    nodes.filter((node) => node['class'] === 'FUNCTION').map((node) => String(node['function_name']).toLowerCase()),
  );
  // Of one date it counts from today.
  const isAge = (node: Node) =>
    String(node['function_name']).toLowerCase() === 'age' && lengthOf(node['children']) === 1;
  if (nodes.some(isAge)) names.add('age of one date');
  // Functions without brackets, such as CURRENT_DATE, are parsed as columns; real columns go before them.
  for (const node of nodes) {
    const columns = node['class'] === 'COLUMN_REF' ? node['column_names'] : undefined;
    const name = Array.isArray(columns) && columns.length === 1 ? String(columns[0]).toLowerCase() : undefined;
    if (name !== undefined && !own.has(name)) names.add(name);
  }
  if (names.size === 0) return;
  const list = [...names].map(quoteText).join(', ');
  const unsteady = await database.rows(
    `SELECT DISTINCT function_name AS name FROM duckdb_functions() WHERE function_name IN (${list}) AND stability <> 'CONSISTENT'`,
  );
  const found = [...names].find((name) => clockNames.has(name)) ?? unsteady[0]?.['name'];
  if (found !== undefined)
    throw invalid(
      where,
      `${String(found)} can answer differently when a shard is tried again`,
      'write the value itself, such as a date',
    );
}

/** Rows that a predicate is tried on before a run. */
const triedRows = 1000;

async function bind(database: Database, selection: RowSelection): Promise<void> {
  const where = selection.where ?? '';
  try {
    const source = sourceSql(selection, selection.columns);
    await database.rows(`EXPLAIN SELECT 1 FROM ${source}${whereSql(selection)}`);
    // A constant that does not parse, such as the 30th of February, shows only when rows come.
    await database.rows(`SELECT count(*) FROM (SELECT * FROM ${source} LIMIT ${triedRows})${whereSql(selection)}`);
  } catch (error) {
    if (isOutOfMemory(error)) throw dataError(error, 'the rows that input.where is tried on');
    const message = (messageOf(error).split('\n\n')[0] ?? '')
      .replaceAll('\n', ' ')
      .replaceAll(/(, )?"__nightshift_\w+"/g, '');
    const quoted = /Referenced column "(.*?)" not found/.exec(message)?.[1];
    const isText = quoted !== undefined && where.includes(`"${quoted}"`);
    if (message.includes('not found in FROM clause')) {
      throw new AppError('COLUMN_MISSING', `input.where: ${where}: ${message}`, {
        hint: isText
          ? `a text takes single quotes: '${quoted}'; double quotes name a column`
          : 'see the columns with `nightshift inspect DATASET`',
        cause: error,
      });
    }
    throw invalid(where, message, 'write it as in the WHERE clause of DuckDB SQL');
  }
}

function invalid(where: string, problem: string, hint: string): AppError {
  return new AppError('PREDICATE_INVALID', `input.where: ${where}: ${problem}`, { hint });
}

/** Whether the wrapped text is still one argument: `a) OR (b` would have left its brackets, and what is ANDed to it. */
function isWrapped(selectList: unknown): boolean {
  const [only, ...others]: readonly unknown[] = Array.isArray(selectList) ? selectList : [];
  return (
    isNode(only) && others.length === 0 && only['type'] === 'OPERATOR_COALESCE' && lengthOf(only['children']) === 2
  );
}

type Node = Readonly<Record<string, unknown>>;

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function* walk(value: unknown): Generator<Node> {
  if (Array.isArray(value)) {
    for (const item of value) yield* walk(item);
  } else if (isNode(value)) {
    yield value;
    for (const child of Object.values(value)) yield* walk(child);
  }
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

function typeOf(value: unknown): unknown {
  return isNode(value) ? value['type'] : undefined;
}
