import type { ElementType, NumberRange } from './contract.ts';

/** What kind of values a DuckDB type holds, as far as casting to tensors is concerned. */
export type TypeFamily = 'integer' | 'float' | 'decimal' | 'bool' | 'text' | 'list' | 'other';

const integerBits: Readonly<Record<string, number>> = {
  TINYINT: 8,
  SMALLINT: 16,
  INTEGER: 32,
  BIGINT: 64,
  HUGEINT: 128,
  UTINYINT: 8,
  USMALLINT: 16,
  UINTEGER: 32,
  UBIGINT: 64,
  UHUGEINT: 128,
};

export function familyOf(type: string): TypeFamily {
  if (/\[\d*\]$/.test(type)) return 'list';
  if (type in integerBits) return 'integer';
  if (type === 'FLOAT' || type === 'DOUBLE') return 'float';
  if (type.startsWith('DECIMAL')) return 'decimal';
  if (type === 'BOOLEAN') return 'bool';
  if (type === 'VARCHAR' || type.startsWith('ENUM') || type === 'UUID') return 'text';
  return 'other';
}

/** `FLOAT[][3]` → `{ item: 'FLOAT', depth: 2 }`. */
export function listItem(type: string): { readonly item: string; readonly depth: number } {
  const brackets = /(\[\d*\])+$/.exec(type)?.[0] ?? '';
  return { item: type.slice(0, type.length - brackets.length), depth: brackets.split('[').length - 1 };
}

/** The SQL type whose vectors hold an element's bytes; float16 travels as FLOAT and bool as 0/1. */
export function sqlTypeOf(element: ElementType): string {
  switch (element) {
    case 'float16':
    case 'float32':
      return 'FLOAT';
    case 'float64':
      return 'DOUBLE';
    case 'int8':
      return 'TINYINT';
    case 'int16':
      return 'SMALLINT';
    case 'int32':
      return 'INTEGER';
    case 'int64':
      return 'BIGINT';
    case 'uint8':
    case 'bool':
      return 'UTINYINT';
    case 'uint16':
      return 'USMALLINT';
    case 'uint32':
      return 'UINTEGER';
    case 'uint64':
      return 'UBIGINT';
    case 'string':
      return 'VARCHAR';
  }
}

/** Integers of up to this many bits are exact in the element type; 0 where none are. */
const exactIntegerBits: Readonly<Record<ElementType, number>> = {
  float16: 8,
  float32: 16,
  float64: 32,
  int8: 8,
  int16: 16,
  int32: 32,
  int64: 64,
  uint8: 8,
  uint16: 16,
  uint32: 32,
  uint64: 64,
  bool: 0,
  string: 128,
};

/**
 * Whether every value of a column's type can become the element type.
 * `always` needs no check; `check` is tried value by value; `never` is refused before a run.
 * Rounding a float to a narrower float counts as lossless; a fraction cut off does not.
 */
export function castability(type: string, element: ElementType): 'always' | 'check' | 'never' {
  const family = familyOf(type);
  if (family === 'other' || family === 'list') return 'never';
  if (element === 'string') return family === 'float' || family === 'decimal' ? 'never' : 'always';
  if (family === 'bool') return 'always';
  if (element === 'bool') return family === 'integer' ? 'check' : 'never';
  if (family === 'integer') {
    const unsigned = type.startsWith('U');
    const toUnsigned = element.startsWith('uint');
    const bits = integerBits[type] ?? 128;
    const isFloat = element.startsWith('float');
    if (isFloat || unsigned === toUnsigned) return bits <= exactIntegerBits[element] ? 'always' : 'check';
    return unsigned && bits < exactIntegerBits[element] ? 'always' : 'check';
  }
  if (family === 'float' && (element === 'float64' || (element === 'float32' && type === 'FLOAT'))) return 'always';
  return 'check';
}

/** The integers that each element type holds exactly; those of wider types are never asked for. */
const exactIntegers: Partial<Readonly<Record<ElementType, NumberRange>>> = {
  float16: { min: -2048, max: 2048 },
  float32: { min: -(2 ** 24), max: 2 ** 24 },
  float64: { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER },
  int8: { min: -128, max: 127 },
  int16: { min: -32_768, max: 32_767 },
  int32: { min: -(2 ** 31), max: 2 ** 31 - 1 },
  int64: { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER },
  uint8: { min: 0, max: 255 },
  uint16: { min: 0, max: 65_535 },
  uint32: { min: 0, max: 2 ** 32 - 1 },
  uint64: { min: 0, max: Number.MAX_SAFE_INTEGER },
  bool: { min: 0, max: 1 },
};

/** From here on a float of the element type is infinite. */
const floatLimits: Partial<Readonly<Record<ElementType, number>>> = { float16: 65_520, float32: 3.4e38 };

/** Whether all values of a column within its range keep their meaning as the element type. */
export function rangeFits(
  column: { readonly type: string; readonly range?: NumberRange | undefined },
  element: ElementType,
): boolean {
  const { range } = column;
  const family = familyOf(column.type);
  const limit = floatLimits[element];
  if (range === undefined) return false;
  if (family === 'float') return limit !== undefined && range.min > -limit && range.max < limit;
  const exact = exactIntegers[element];
  return family === 'integer' && exact !== undefined && range.min >= exact.min && range.max <= exact.max;
}

const widths = ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'DOUBLE'];

/** The type that holds both without loss of rows, or undefined; integers and floats widen, nothing else does. */
export function widenedType(a: string, b: string): string | undefined {
  if (a === b) return a;
  const left = widths.indexOf(a === 'FLOAT' ? 'DOUBLE' : a);
  const right = widths.indexOf(b === 'FLOAT' ? 'DOUBLE' : b);
  if (left < 0 || right < 0) return undefined;
  return widths[Math.max(left, right)];
}
