import { familyOf, listItem } from './column-type.ts';
import { quoteName } from './sql.ts';

/** A column that two joined tables, `a` and `b`, both have. */
export interface ComparedColumn {
  readonly name: string;
  readonly typeA: string;
  readonly typeB: string;
}

/** SQL expressions over a joined row. */
export interface ValueComparison {
  /** How far the values are apart, DOUBLE: 0 for the same, null where that has no size, such as NaN against a number. */
  readonly difference: string;
  /** Whether they are further apart than the tolerance; never null. */
  readonly changed: string;
  /** NaN on one side only. */
  readonly isNan: string;
  /** Null on one side only. */
  readonly isNull: string;
  /** Whether the values are numbers, or lists of them. */
  readonly isNumeric: boolean;
}

/** Numbers by their distance, lists of numbers by their elements', everything else by equality. Pure. */
export function compareValues({ name, typeA, typeB }: ComparedColumn, tolerance: number): ValueComparison {
  const a = `a.${quoteName(name)}`;
  const b = `b.${quoteName(name)}`;
  const [listA, listB] = [listItem(typeA), listItem(typeB)];
  const isNumeric = listA.depth === listB.depth && isNumber(listA.item) && isNumber(listB.item);
  if (!isNumeric) {
    const texts = typeA === typeB ? [a, b] : [`${a}::VARCHAR`, `${b}::VARCHAR`];
    return {
      difference: 'NULL::DOUBLE',
      changed: `(${texts.join(' IS DISTINCT FROM ')})`,
      isNan: 'false',
      isNull: onlyOne(`${a} IS NULL`, `${b} IS NULL`),
      isNumeric,
    };
  }
  const numbers: NumberTypes = { a: listA.item, b: listB.item };
  if (listA.depth === 0) return compareNumbers(a, b, { numbers, tolerance });
  return compareLists(a, b, { numbers, tolerance, depth: listA.depth });
}

interface NumberTypes {
  readonly a: string;
  readonly b: string;
}

interface HowToCompare {
  readonly numbers: NumberTypes;
  readonly tolerance: number;
}

function compareNumbers(a: string, b: string, { numbers, tolerance }: HowToCompare): ValueComparison {
  const difference = distance(a, b, numbers);
  return {
    difference,
    changed: `coalesce(${difference} > ${tolerance}, true)`,
    isNan: nanInOne(a, b),
    isNull: onlyOne(`${a} IS NULL`, `${b} IS NULL`),
    isNumeric: true,
  };
}

function compareLists(
  a: string,
  b: string,
  { numbers, tolerance, depth }: HowToCompare & { readonly depth: number },
): ValueComparison {
  const [flatA, flatB] = [flat(a, depth - 1), flat(b, depth - 1)];
  const pairs = `list_zip(${flatA}, ${flatB})`;
  const each = (sql: string) => `list_transform(${pairs}, z -> ${sql})`;
  const distances = each(distance('z[1]', 'z[2]', numbers));
  const sameShape = Array.from({ length: depth }, (_, level) => sameLengths(a, b, level)).join(' AND ');
  const isSized = `${sameShape} AND list_count(${distances}) = len(${pairs})`;
  const difference = `CASE WHEN ${a} IS NOT DISTINCT FROM ${b} THEN 0 WHEN ${isSized} THEN list_max(${distances}) END`;
  const some = (sql: string) => `coalesce(${sameShape} AND list_bool_or(${each(sql)}), false)`;
  return {
    difference,
    changed: `coalesce(${difference} > ${tolerance}, true)`,
    isNan: some(nanInOne('z[1]', 'z[2]')),
    isNull: `(${onlyOne(`${a} IS NULL`, `${b} IS NULL`)} OR ${some(onlyOne('z[1] IS NULL', 'z[2] IS NULL'))})`,
    isNumeric: true,
  };
}

/** Null when one is null or NaN and the other is not; infinities are as far apart as can be. */
function distance(a: string, b: string, types: NumberTypes): string {
  const areWhole = [types.a, types.b].every((type) => familyOf(type) === 'integer' && type !== 'UHUGEINT');
  const size = areWhole ? `abs(${a}::HUGEINT - ${b}::HUGEINT)::DOUBLE` : `abs(${a}::DOUBLE - ${b}::DOUBLE)`;
  return `CASE WHEN ${a} IS NOT DISTINCT FROM ${b} THEN 0::DOUBLE WHEN isnan(${a}::DOUBLE) OR isnan(${b}::DOUBLE) THEN NULL ELSE ${size} END`;
}

function nanInOne(a: string, b: string): string {
  return `coalesce(isnan(${a}::DOUBLE) <> isnan(${b}::DOUBLE), false)`;
}

function onlyOne(a: string, b: string): string {
  return `((${a}) <> (${b}))`;
}

function flat(list: string, levels: number): string {
  return levels === 0 ? list : `flatten(${flat(list, levels - 1)})`;
}

/** Whether the lists at a level, 0 the outermost, are as long in `a` as in `b`. */
function sameLengths(a: string, b: string, level: number): string {
  if (level === 0) return `len(${a}) = len(${b})`;
  const lengths = (list: string) => `list_transform(${flat(list, level - 1)}, x -> len(x))`;
  return `${lengths(a)} = ${lengths(b)}`;
}

function isNumber(type: string): boolean {
  return ['integer', 'float', 'decimal'].includes(familyOf(type));
}
