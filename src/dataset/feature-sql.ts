import { castability, familyOf, listItem, sqlTypeOf } from './column-type.ts';
import {
  type ElementType,
  type FeatureColumn,
  type FeatureRequest,
  type RawRequest,
  type RejectCode,
  type ScanRequest,
  sizeOf,
} from './contract.ts';
import { quoteName, quoteText } from './sql.ts';

/** A reason why a row cannot be scored: `condition` is true for bad rows, never null. */
interface RowCheck {
  readonly condition: string;
  readonly code: RejectCode;
  /** SQL expression of the message. */
  readonly message: string;
}

/** One vector of the scan. Numeric features come as one (nested) array vector, text as a vector a column. */
export interface ScanColumn {
  readonly sql: string;
  /** How many levels of fixed-size arrays wrap the values. */
  readonly arrayDepth: number;
}

export interface ScanSql {
  readonly scan: readonly ScanColumn[];
  readonly checks: readonly RowCheck[];
}

export interface FeatureSql extends ScanSql {
  readonly request: FeatureRequest;
}

/** How a request of either kind is read. Pure. */
export function scanSql(request: ScanRequest): ScanSql {
  return 'raw' in request ? rawSql(request) : featureSql(request);
}

/** Texts as UTF-8, bytes as they are; both need no cast that can fail, and null is a reject. */
function rawSql({ raw, column }: RawRequest): ScanSql {
  const name = quoteName(column.name);
  const sql = `${name}::${raw === 'text' ? 'VARCHAR' : 'BLOB'}`;
  return { scan: [{ sql, arrayDepth: 0 }], checks: column.nullFree ? [] : [nullCheck(column.name)] };
}

function nullCheck(column: string): RowCheck {
  return {
    condition: `${quoteName(column)} IS NULL`,
    code: 'NULL_VALUE',
    message: quoteText(`column ${column} is null`),
  };
}

/** How a request is read: the expressions to select and the checks that a row must pass. Pure. */
export function featureSql(request: FeatureRequest): FeatureSql {
  const [first] = request.columns;
  const isList = first !== undefined && request.columns.length === 1 && familyOf(first.type) === 'list';
  if (isList) return listSql(request, first);
  const columns = request.columns.map((column) => scalarSql(column, request));
  const checks = columns.flatMap((column) => column.checks);
  if (request.element === 'string') {
    return { request, scan: columns.map(({ value }) => ({ sql: value, arrayDepth: 0 })), checks };
  }
  const values = columns.map(({ value }) => value);
  if (values.length === 1) return { request, scan: [{ sql: values[0] ?? '', arrayDepth: 0 }], checks };
  const sql = `[${values.join(', ')}]::${sqlTypeOf(request.element)}[${values.length}]`;
  return { request, scan: [{ sql, arrayDepth: 1 }], checks };
}

/** True for rows that pass; undefined when every row does. */
export function passCondition(features: readonly ScanSql[]): string | undefined {
  const checks = features.flatMap((feature) => feature.checks);
  return checks.length === 0 ? undefined : `NOT (${checks.map((check) => check.condition).join(' OR ')})`;
}

/** `{ code, message }` of the first check that a row fails. */
export function rejectReasonSql(features: readonly ScanSql[]): string {
  const checks = features.flatMap((feature) => feature.checks);
  const cases = checks.map(
    (check) => `WHEN ${check.condition} THEN {'code': ${quoteText(check.code)}, 'message': ${check.message}}`,
  );
  return `CASE ${cases.join(' ')} END`;
}

function scalarSql(
  column: FeatureRequest['columns'][number],
  request: FeatureRequest,
): { value: string; checks: RowCheck[] } {
  const name = quoteName(column.name);
  const cast = castSql(name, column, request.element);
  const checks: RowCheck[] = [];
  if (!column.fits && castability(column.type, request.element) === 'check') {
    const shown = `${quoteText(`column ${column.name}: `)} || ${name}::VARCHAR || ${quoteText(` cannot become ${request.element} without loss`)}`;
    checks.push({
      condition: `(${name} IS NOT NULL AND NOT coalesce(${exactSql(name, column.type, request.element)}, false))`,
      code: 'CAST_LOSSY',
      message: shown,
    });
  }
  if (column.nullFree) return { value: cast, checks };
  if (request.nulls === 'reject') checks.push(nullCheck(column.name));
  return { value: `coalesce(${cast}, ${fillSql(request)})`, checks };
}

/** `c::FLOAT` where no value can fail, TRY_CAST elsewhere; a failing one is caught by its check. */
function castSql(name: string, { type, fits }: FeatureColumn, element: ElementType): string {
  const target = sqlTypeOf(element);
  if (type === target) return name;
  if (element === 'bool' && familyOf(type) === 'integer') return `(${name} <> 0)::${target}`;
  return fits || castability(type, element) === 'always' ? `${name}::${target}` : `TRY_CAST(${name} AS ${target})`;
}

/** Whether a value that is not null keeps its meaning as `element`; may be null, which means no. */
function exactSql(name: string, type: string, element: ElementType): string {
  const target = sqlTypeOf(element);
  const cast = `TRY_CAST(${name} AS ${target})`;
  if (element === 'bool') return `${name} IN (0, 1)`;
  const family = familyOf(type);
  if (family === 'text') {
    const isInteger = target.endsWith('INT') || target === 'INTEGER' || target === 'UINTEGER';
    if (isInteger) return `(${cast} IS NOT NULL AND regexp_full_match(trim(${name}), '[+-]?[0-9]+'))`;
    // DuckDB makes a number that is too great infinite, which only what is spelled so may be, and reads 1_000 as 1000.
    const fits = element === 'float16' ? `abs(${cast}) < 65520` : `isfinite(${cast})`;
    return `(${cast} IS NOT NULL AND NOT contains(${name}, '_') AND (${fits} OR regexp_matches(${name}, '(?i)inf|nan')))`;
  }
  if (element === 'float16')
    return family === 'integer'
      ? `${name} BETWEEN -2048 AND 2048`
      : `(abs(${name}) < 65520 OR NOT isfinite(${name}::DOUBLE))`;
  if (family !== 'integer' && (element === 'float32' || element === 'float64')) return `${cast} IS NOT NULL`;
  return `TRY_CAST(${cast} AS ${type}) = ${name}`;
}

function fillSql(request: FeatureRequest): string {
  const target = sqlTypeOf(request.element);
  if (request.nulls === 'nan') return `'nan'::${target}`;
  if (request.nulls === 'reject') return request.element === 'string' ? `''` : `0::${target}`;
  const { value } = request.nulls;
  if (typeof value === 'string') return `${quoteText(value)}::${target}`;
  return `${typeof value === 'boolean' ? Number(value) : value}::${target}`;
}

function listSql(request: FeatureRequest, column: FeatureRequest['columns'][number]): FeatureSql {
  const name = quoteName(column.name);
  const { item, depth } = listItem(column.type);
  const width = sizeOf(request.innerShape);
  const target = sqlTypeOf(request.element);
  const items = flattened(name, depth);
  const filled = request.nulls === 'reject' ? items : `list_transform(${items}, x -> coalesce(x, ${fillSql(request)}))`;
  const checks: RowCheck[] = [
    nullCheck(column.name),
    {
      condition: `NOT coalesce(${lengthSql(name, listDims(request, depth))} AND len(${items}) = ${width}, false)`,
      code: 'LIST_LENGTH',
      message: `${quoteText(`column ${column.name}: list of length `)} || len(${name})::VARCHAR || ${quoteText(` where ${listDims(request, depth).join(' × ')} is expected`)}`,
    },
  ];
  if (request.nulls === 'reject') {
    checks.push({
      condition: `coalesce(list_count(${items}) < len(${items}), false)`,
      code: 'NULL_VALUE',
      message: quoteText(`column ${column.name} has a null in its list`),
    });
  }
  if (castability(item, request.element) === 'check') {
    const exact = `x IS NULL OR coalesce(${exactSql('x', item, request.element)}, false)`;
    checks.push({
      condition: `NOT coalesce(list_bool_and(list_transform(${items}, x -> ${exact})), true)`,
      code: 'CAST_LOSSY',
      message: quoteText(`column ${column.name}: a value of its list cannot become ${request.element} without loss`),
    });
  }
  // A row whose array is null fails a check, so its undefined values reach no batch.
  return { request, scan: [{ sql: `TRY_CAST(${filled} AS ${target}[${width}])`, arrayDepth: 1 }], checks };
}

/** Nested lists as one, row-major; a null list among them is left out, so that the length tells. */
function flattened(list: string, depth: number): string {
  return depth === 1 ? list : `flatten(${flattened(list, depth - 1)})`;
}

/** Lengths of the lists from the outermost on: the input's shape, without its ones where the lists have no such level. */
function listDims({ innerShape }: FeatureRequest, depth: number): readonly number[] {
  if (depth === 1) return [sizeOf(innerShape)];
  const shapes = [innerShape, innerShape.filter((dim) => dim !== 1)];
  return shapes.find((shape) => shape.length === depth) ?? [];
}

function lengthSql(list: string, dims: readonly number[]): string {
  const [dim, ...inner] = dims;
  if (dim === undefined) return 'true';
  if (inner.length === 0) return `len(${list}) = ${dim}`;
  const name = `y${inner.length}`;
  const isEach = `list_bool_and(list_transform(${list}, ${name} -> coalesce(${lengthSql(name, inner)}, false)))`;
  return `(len(${list}) = ${dim} AND ${isEach})`;
}
