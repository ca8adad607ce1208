import * as duckdb from '@duckdb/node-api';
import {
  DuckDBArrayType,
  DuckDBDecimalType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
} from '@duckdb/node-api';
import * as arrow from 'apache-arrow';
import { DataType, Field, TimeUnit } from 'apache-arrow';

/** DuckDB's type for values of an Arrow type; undefined when DuckDB has none that holds them all. */
export function duckdbType(type: DataType): DuckDBType | undefined {
  if (DataType.isInt(type)) return integerType(type.bitWidth, type.isSigned);
  if (DataType.isFloat(type)) return type.precision === arrow.Precision.DOUBLE ? duckdb.DOUBLE : duckdb.FLOAT;
  if (DataType.isBool(type)) return duckdb.BOOLEAN;
  if (isText(type)) return duckdb.VARCHAR;
  if (isBytes(type)) return duckdb.BLOB;
  if (DataType.isDate(type)) return duckdb.DATE;
  if (DataType.isTime(type)) return type.unit === TimeUnit.NANOSECOND ? duckdb.TIME_NS : duckdb.TIME;
  if (DataType.isTimestamp(type)) {
    if (type.timezone !== null && type.timezone !== undefined && type.timezone !== '') return duckdb.TIMESTAMPTZ;
    return type.unit === TimeUnit.NANOSECOND ? duckdb.TIMESTAMP_NS : duckdb.TIMESTAMP;
  }
  if (DataType.isDecimal(type)) {
    const fits = type.precision <= 38 && type.scale >= 0 && type.scale <= type.precision;
    return fits ? duckdb.DECIMAL(type.precision, type.scale) : undefined;
  }
  // A column of nulls alone; Parquet has no type for it.
  if (DataType.isNull(type)) return duckdb.INTEGER;
  if (DataType.isDictionary(type)) return isGatherable(type.dictionary) ? duckdbType(type.dictionary) : undefined;
  return nestedType(type);
}

function nestedType(type: DataType): DuckDBType | undefined {
  if (DataType.isMap(type)) {
    const [key, value] = type.children[0]?.type.children ?? [];
    const keyType = key === undefined ? undefined : duckdbType(key.type);
    const valueType = value === undefined ? undefined : duckdbType(value.type);
    return keyType === undefined || valueType === undefined ? undefined : duckdb.MAP(keyType, valueType);
  }
  if (DataType.isStruct(type)) {
    const entries: Record<string, DuckDBType> = {};
    for (const field of type.children) {
      const entry = duckdbType(field.type);
      if (entry === undefined || Object.hasOwn(entries, field.name)) return undefined;
      entries[field.name] = entry;
    }
    return Object.keys(entries).length === 0 ? undefined : duckdb.STRUCT(entries);
  }
  if (!DataType.isList(type) && !DataType.isLargeList(type) && !DataType.isFixedSizeList(type)) return undefined;
  const item = type.children[0];
  const itemType = item === undefined ? undefined : duckdbType(item.type);
  return itemType === undefined ? undefined : duckdb.LIST(itemType);
}

export function isText(type: DataType): boolean {
  return DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isUtf8View(type);
}

export function isBytes(type: DataType): boolean {
  return (
    DataType.isBinary(type) ||
    DataType.isLargeBinary(type) ||
    DataType.isBinaryView(type) ||
    DataType.isFixedSizeBinary(type)
  );
}

/** Whether a dictionary's values can be looked up one by one. */
function isGatherable(type: DataType): boolean {
  const isNested = type.children !== undefined && type.children !== null && type.children.length > 0;
  return !isNested && !DataType.isBool(type) && !DataType.isNull(type) && !DataType.isDictionary(type);
}

function integerType(bits: number, isSigned: boolean): DuckDBType {
  if (bits === 8) return isSigned ? duckdb.TINYINT : duckdb.UTINYINT;
  if (bits === 16) return isSigned ? duckdb.SMALLINT : duckdb.USMALLINT;
  if (bits === 32) return isSigned ? duckdb.INTEGER : duckdb.UINTEGER;
  return isSigned ? duckdb.BIGINT : duckdb.UBIGINT;
}

/** Arrow's type for values of a DuckDB type; undefined when Arrow files cannot carry them. */
export function arrowType(type: DuckDBType): DataType | undefined {
  if (type instanceof DuckDBDecimalType) return new arrow.Decimal(type.scale, type.width);
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) {
    const item = arrowType(type.valueType);
    if (item === undefined) return undefined;
    const field = new Field('item', item, true);
    return type instanceof DuckDBListType ? new arrow.List(field) : new arrow.FixedSizeList(type.length, field);
  }
  if (type instanceof DuckDBMapType) {
    const key = arrowType(type.keyType);
    const value = arrowType(type.valueType);
    if (key === undefined || value === undefined) return undefined;
    const entries = new arrow.Struct([new Field('key', key, false), new Field('value', value, true)]);
    return new arrow.Map_(new Field('entries', entries, false));
  }
  if (type instanceof DuckDBStructType) {
    const fields = type.entryNames.flatMap((name, index) => {
      const entry = type.entryTypes[index];
      const entryType = entry === undefined ? undefined : arrowType(entry);
      return entryType === undefined ? [] : [new Field(name, entryType, true)];
    });
    return fields.length === type.entryCount ? new arrow.Struct(fields) : undefined;
  }
  return scalarType(type.typeId);
}

function scalarType(id: DuckDBTypeId): DataType | undefined {
  switch (id) {
    case DuckDBTypeId.BOOLEAN:
      return new arrow.Bool();
    case DuckDBTypeId.TINYINT:
      return new arrow.Int8();
    case DuckDBTypeId.SMALLINT:
      return new arrow.Int16();
    case DuckDBTypeId.INTEGER:
      return new arrow.Int32();
    case DuckDBTypeId.BIGINT:
      return new arrow.Int64();
    case DuckDBTypeId.UTINYINT:
      return new arrow.Uint8();
    case DuckDBTypeId.USMALLINT:
      return new arrow.Uint16();
    case DuckDBTypeId.UINTEGER:
      return new arrow.Uint32();
    case DuckDBTypeId.UBIGINT:
      return new arrow.Uint64();
    case DuckDBTypeId.FLOAT:
      return new arrow.Float32();
    case DuckDBTypeId.DOUBLE:
      return new arrow.Float64();
    case DuckDBTypeId.VARCHAR:
      return new arrow.Utf8();
    case DuckDBTypeId.BLOB:
      return new arrow.Binary();
    case DuckDBTypeId.DATE:
      return new arrow.DateDay();
    case DuckDBTypeId.TIME:
      return new arrow.TimeMicrosecond();
    case DuckDBTypeId.TIME_NS:
      return new arrow.TimeNanosecond();
    case DuckDBTypeId.TIMESTAMP:
      return new arrow.TimestampMicrosecond();
    case DuckDBTypeId.TIMESTAMP_NS:
      return new arrow.TimestampNanosecond();
    case DuckDBTypeId.TIMESTAMP_TZ:
      return new arrow.TimestampMicrosecond('UTC');
    default:
      return undefined;
  }
}
