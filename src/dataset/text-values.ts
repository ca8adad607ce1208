import {
  DuckDBArrayType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
} from '@duckdb/node-api';
import { quoteName, quoteText } from './sql.ts';

/**
 * A query's rows as text formats should have them: times as ISO 8601 says, those with a zone in UTC and with a `Z`;
 * in JSON null for NaN and the infinities, which it has no words for. Bytes stay as DuckDB escapes them (`\xFF`).
 */
export function textQuery(
  sql: string,
  columns: readonly { readonly name: string; readonly type: DuckDBType }[],
  format: 'csv' | 'jsonl',
): string {
  let isChanged = false;
  const selected = columns.map(({ name, type }) => {
    const value = quoteName(name);
    // What CSV should hold of a list nobody has said; it is DuckDB's text of it.
    const isKept = format === 'csv' && isNested(type);
    const shown = isKept ? value : textValue(value, type, { isJson: format === 'jsonl', depth: 0 });
    isChanged ||= shown !== value;
    return shown === value ? value : `${shown} AS ${value}`;
  });
  return isChanged ? `SELECT ${selected.join(', ')} FROM (${sql})` : sql;
}

interface Place {
  readonly isJson: boolean;
  /** How many lists are around the value; their variables are told apart by it. */
  readonly depth: number;
}

/** `value` itself when it is written well as it is. */
function textValue(value: string, type: DuckDBType, place: Place): string {
  switch (type.typeId) {
    case DuckDBTypeId.FLOAT:
    case DuckDBTypeId.DOUBLE:
      return place.isJson ? `CASE WHEN isfinite(${value}) THEN ${value} END` : value;
    case DuckDBTypeId.TIMESTAMP:
    case DuckDBTypeId.TIMESTAMP_S:
    case DuckDBTypeId.TIMESTAMP_MS:
    case DuckDBTypeId.TIMESTAMP_NS:
      return `replace(${value}::VARCHAR, ' ', 'T')`;
    case DuckDBTypeId.TIMESTAMP_TZ:
      return `CASE WHEN isfinite(${value}) THEN replace(${value}::TIMESTAMP::VARCHAR, ' ', 'T') || 'Z' ELSE ${value}::VARCHAR END`;
    default:
      return nestedValue(value, type, place);
  }
}

function nestedValue(value: string, type: DuckDBType, place: Place): string {
  const item = `v${place.depth}`;
  const inner = { ...place, depth: place.depth + 1 };
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) {
    const shown = textValue(item, type.valueType, inner);
    return shown === item ? value : `list_transform(${value}, ${item} -> ${shown})`;
  }
  if (type instanceof DuckDBMapType) {
    const entry = `${item}.value`;
    const shown = textValue(entry, type.valueType, inner);
    if (shown === entry) return value;
    return `map_from_entries(list_transform(map_entries(${value}), ${item} -> {'key': ${item}.key, 'value': ${shown}}))`;
  }
  if (type instanceof DuckDBStructType) {
    const fields = type.entryTypes.map((entryType, index) => {
      const field = `${value}.${quoteName(type.entryNames[index] ?? '')}`;
      return { name: type.entryNames[index] ?? '', field, shown: textValue(field, entryType, place) };
    });
    if (fields.every(({ field, shown }) => field === shown)) return value;
    const entries = fields.map(({ name, shown }) => `${quoteText(name)}: ${shown}`);
    return `CASE WHEN ${value} IS NOT NULL THEN {${entries.join(', ')}} END`;
  }
  return value;
}

function isNested(type: DuckDBType): boolean {
  const nested = [DuckDBListType, DuckDBArrayType, DuckDBMapType, DuckDBStructType];
  return nested.some((kind) => type instanceof kind);
}
