import {
  DuckDBArrayType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
} from '@duckdb/node-api';
import type { Database } from './duckdb.ts';
import { quoteName } from './sql.ts';

/** A column of a dataset that is not Parquet itself, with the type that its Parquet copy has. */
export interface StagedColumn {
  readonly name: string;
  readonly type: string;
}

/** Columns of a query as a Parquet copy of its rows would have them. */
export async function stagedColumns(database: Database, sql: string): Promise<readonly StagedColumn[]> {
  const columns = await database.columns(sql);
  if (columns.length === 0) return [];
  const casts = columns.map((column, index) => `CAST(NULL AS ${storedType(column.type)}) AS c${index}`);
  const described = await database.rows(`DESCRIBE SELECT ${casts.join(', ')}`);
  return columns.map(({ name }, index) => ({ name, type: String(described[index]?.['column_type']) }));
}

/**
 * The SQL type in which values of a type are kept in a Parquet copy, such that reading the copy gives that type
 * again. DuckDB by itself would write 128-bit integers as DOUBLE, which loses digits.
 */
function storedType(type: DuckDBType): string {
  switch (type.typeId) {
    case DuckDBTypeId.HUGEINT:
    case DuckDBTypeId.UHUGEINT:
      return 'DECIMAL(38,0)';
    case DuckDBTypeId.TIMESTAMP_S:
    case DuckDBTypeId.TIMESTAMP_MS:
      return 'TIMESTAMP';
    case DuckDBTypeId.VARCHAR:
    case DuckDBTypeId.ENUM:
    case DuckDBTypeId.BIT:
    case DuckDBTypeId.BIGNUM:
      // JSON is a VARCHAR by another name; as text it can be a feature.
      return 'VARCHAR';
    default:
      return storedNestedType(type);
  }
}

function storedNestedType(type: DuckDBType): string {
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) return `${storedType(type.valueType)}[]`;
  if (type instanceof DuckDBMapType) return `MAP(${storedType(type.keyType)}, ${storedType(type.valueType)})`;
  if (type instanceof DuckDBStructType) {
    const fields = type.entryNames.map((name, index) => `${quoteName(name)} ${storedEntry(type.entryTypes[index])}`);
    return `STRUCT(${fields.join(', ')})`;
  }
  return String(type);
}

function storedEntry(type: DuckDBType | undefined): string {
  return type === undefined ? 'VARCHAR' : storedType(type);
}
