import * as types from '@duckdb/node-api';
import { DuckDBTableFunction, type DuckDBType, LIST } from '@duckdb/node-api';
import { type ElementType, type PredictionColumn, sizeOf } from './contract.ts';
import type { Database } from './duckdb.ts';
import { elementsBetween } from './element-array.ts';
import { type RawVector, rawVector, vectorRows, writeListLayout, writeText, writeVector } from './raw-vector.ts';

/** A table that SQL reads from arrays in memory. */
export interface ArrayTable {
  readonly columns: readonly PredictionColumn[];
  readonly rowCount: number;
}

/** What a statement selects from while `withArrays` runs it. */
export const arraysSql = '__nightshift_arrays()';

/** Runs statements that select from `arraysSql`, one caller at a time for each database. */
export async function withArrays<T>(database: Database, table: ArrayTable, run: () => Promise<T>): Promise<T> {
  const turn = turnOf(database);
  turn.table = table;
  try {
    return await run();
  } finally {
    turn.table = undefined;
  }
}

interface Turn {
  table: ArrayTable | undefined;
}

/**
 * DuckDB keeps the first function of a name and silently ignores a second one, so that each database has one, which
 * asks whose turn it is.
 */
const turns = new WeakMap<Database, Turn>();

function turnOf(database: Database): Turn {
  const known = turns.get(database);
  if (known !== undefined) return known;
  const turn: Turn = { table: undefined };
  let at = 0;
  const current = () => {
    if (turn.table === undefined) throw new Error('no table is being read');
    return turn.table;
  };
  database.register(
    DuckDBTableFunction.create({
      name: arraysSql.slice(0, -2),
      bindFunction: (bind) => {
        const { columns, rowCount } = current();
        for (const column of columns) bind.addResultColumn(column.name, columnType(column));
        bind.setCardinality(rowCount, true);
      },
      initFunction: (init) => {
        init.setMaxThreads(1);
        at = 0;
      },
      mainFunction: (_info, chunk) => {
        const { columns, rowCount } = current();
        const count = Math.min(vectorRows, rowCount - at);
        chunk.rowCount = count;
        if (count === 0) return;
        for (const [index, column] of columns.entries())
          writeColumn(rawVector(chunk, index), column, { start: at, count });
        at += count;
      },
    }),
  );
  turns.set(database, turn);
  return turn;
}

function writeColumn(
  vector: RawVector,
  column: PredictionColumn,
  rows: { readonly start: number; readonly count: number },
): void {
  let target = vector;
  let { count } = rows;
  for (const dim of column.innerShape) {
    target = writeListLayout(target, count, dim);
    count *= dim;
  }
  const width = sizeOf(column.innerShape);
  const values = elementsBetween(column.values, rows.start * width, rows.start * width + count);
  if (Array.isArray(values)) {
    for (const [row, text] of values.entries()) writeText(target, row, text);
  } else {
    writeVector(target, values);
  }
}

function columnType(column: PredictionColumn): DuckDBType {
  return column.innerShape.reduce<DuckDBType>((item) => LIST(item), scalarType(column.element));
}

function scalarType(element: ElementType): DuckDBType {
  switch (element) {
    case 'float16':
    case 'float32':
      return types.FLOAT;
    case 'float64':
      return types.DOUBLE;
    case 'int8':
      return types.TINYINT;
    case 'int16':
      return types.SMALLINT;
    case 'int32':
      return types.INTEGER;
    case 'int64':
      return types.BIGINT;
    case 'uint8':
      return types.UTINYINT;
    case 'uint16':
      return types.USMALLINT;
    case 'uint32':
      return types.UINTEGER;
    case 'uint64':
      return types.UBIGINT;
    case 'bool':
      return types.BOOLEAN;
    case 'string':
      return types.VARCHAR;
  }
}
