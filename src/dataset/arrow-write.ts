import { type FileHandle, open } from 'node:fs/promises';
import { type DuckDBType, DuckDBTypeId } from '@duckdb/node-api';
import { Data, type DataType, Field, RecordBatch, Schema, Struct } from 'apache-arrow';
import { AppError } from '../core/errors.ts';
import { writeError } from '../core/files.ts';
import { arrowData } from './arrow-data.ts';
import { arrowType } from './arrow-types.ts';
import { ArrowFileWriter } from './arrow-writer.ts';
import { type Database, dataError } from './duckdb.ts';
import { rawVector } from './raw-vector.ts';
import { quoteName } from './sql.ts';

interface ArrowColumn {
  readonly name: string;
  readonly from: DuckDBType;
  readonly type: DataType;
}

/**
 * Writes the rows of a query as an Arrow IPC file, a record batch for each chunk that DuckDB hands over, so that memory
 * does not grow with the rows. The same rows give the same bytes.
 * @returns rows written
 * @throws AppError OUTPUT_UNWRITABLE naming a column that Arrow files cannot carry, DISK_FULL, INPUT_UNREADABLE
 */
export async function writeArrow(database: Database, sql: string, path: string): Promise<number> {
  const columnsOf = (query: string) =>
    database.columns(query).catch((error: unknown) => {
      throw dataError(error, path);
    });
  const given = await columnsOf(sql);
  const query = given.some(({ type }) => isCast(type)) ? `SELECT ${given.map(castSql).join(', ')} FROM (${sql})` : sql;
  const columns = (await columnsOf(query)).map(({ name, type }) => arrowColumn(path, name, type));
  const schema = new Schema(columns.map(({ name, type }) => new Field(name, type, true)));
  const handle = await open(path, 'w').catch((error: unknown) => {
    throw writeError(error, path);
  });
  try {
    return await writeBatches({ database, query, columns, schema, handle, path });
  } finally {
    await handle.close();
  }
}

interface Writing {
  readonly database: Database;
  readonly query: string;
  readonly columns: readonly ArrowColumn[];
  readonly schema: Schema;
  readonly handle: FileHandle;
  readonly path: string;
}

async function writeBatches({ database, query, columns, schema, handle, path }: Writing): Promise<number> {
  const writer = new ArrowFileWriter(schema);
  const flush = () =>
    handle.writeFile(writer.take()).catch((error: unknown) => {
      throw writeError(error, path);
    });
  let rowCount = 0;
  const result = await database.stream(query).catch((error: unknown) => {
    throw dataError(error, path);
  });
  for (;;) {
    const chunk = await result.fetchChunk().catch((error: unknown) => {
      throw dataError(error, path);
    });
    if (chunk === null || chunk.rowCount === 0) break;
    const count = chunk.rowCount;
    const children = columns.map(({ from, type }, index) =>
      arrowData({ vector: rawVector(chunk, index), type: from, count }, type),
    );
    writer.write(new RecordBatch(schema, new Data(new Struct(schema.fields), 0, count, 0, undefined, children)));
    rowCount += count;
    await flush();
  }
  writer.finish();
  await flush();
  return rowCount;
}

/** Types that Arrow has not, but a type of Arrow's holds without loss. */
function isCast({ typeId }: DuckDBType): boolean {
  return castTypes[typeId] !== undefined;
}

const castTypes: Partial<Readonly<Record<DuckDBTypeId, string>>> = {
  [DuckDBTypeId.HUGEINT]: 'DECIMAL(38,0)',
  [DuckDBTypeId.UHUGEINT]: 'DECIMAL(38,0)',
  [DuckDBTypeId.TIMESTAMP_S]: 'TIMESTAMP',
  [DuckDBTypeId.TIMESTAMP_MS]: 'TIMESTAMP',
  [DuckDBTypeId.UUID]: 'VARCHAR',
  [DuckDBTypeId.ENUM]: 'VARCHAR',
};

function castSql({ name, type }: { readonly name: string; readonly type: DuckDBType }): string {
  const target = castTypes[type.typeId];
  return target === undefined ? quoteName(name) : `CAST(${quoteName(name)} AS ${target}) AS ${quoteName(name)}`;
}

function arrowColumn(path: string, name: string, from: DuckDBType): ArrowColumn {
  const type = arrowType(from);
  if (type !== undefined) return { name, from, type };
  throw new AppError(
    'OUTPUT_UNWRITABLE',
    `cannot write ${path}: column ${name} is ${String(from)}, which Arrow files cannot carry`,
    {
      hint: 'take it out of output.keep, or write Parquet (output: { format: parquet })',
    },
  );
}
