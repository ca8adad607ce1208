import { castability, familyOf, listItem } from '../dataset/column-type.ts';
import { type ElementType, sizeOf } from '../dataset/contract.ts';
import type { ModelSignature, TensorSignature } from '../model/contract.ts';

/** A column as far as guessing goes. */
export interface ColumnLook {
  readonly name: string;
  readonly type: string;
  readonly nullCount: number;
  readonly isAllNull: boolean;
  /** Lengths of the first list, outermost first; undefined for other types. */
  readonly listShape: readonly number[] | undefined;
  /** Of texts, in characters, over the sample; undefined for other types. */
  readonly meanLength?: number | undefined;
  /** All values of the sample differ and none is null. */
  readonly isUnique: boolean;
  /** Element types that some value, or list of the first one's shape, cannot become without loss. */
  readonly unfit: ReadonlySet<ElementType>;
}

const keyName =
  /^(id|key|index|idx|pk|uuid|guid|row_?(id|num|number|index|key)|.*[_ -](id|key|uuid|guid)|.*[a-z](Id|ID|Key))$/;
const labelName = /^(label|labels|target|targets|class|y|y_true|outcome|ground_?truth|truth)$/i;

/** Whether a column names a row: by its own name, and by its values. */
export function isKey(column: Pick<ColumnLook, 'name' | 'type' | 'isUnique'>): boolean {
  return column.isUnique && mayBeKey(column);
}

/** Whether it is worth a look at the values. */
export function mayBeKey({ name, type }: Pick<ColumnLook, 'name' | 'type'>): boolean {
  const family = familyOf(type);
  return (family === 'integer' || family === 'text') && (keyName.test(name) || keyName.test(name.toLowerCase()));
}

export function isTextType(type: string): boolean {
  return familyOf(type) === 'text';
}

/** Whether a column is probably what the model learned to say. */
export function isLabel(column: ColumnLook, signature: ModelSignature): boolean {
  return (
    labelName.test(column.name) || signature.outputs.some((output) => plainName(output.name) === plainName(column.name))
  );
}

/** Upper case, underscores and the like differ between a table and a model more often than meaning does. */
export function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}

/** Values that an input takes a row; undefined when a dimension is free. */
export function widthOf({ shape }: TensorSignature): number | undefined {
  const inner = shape.slice(1);
  const fixed = inner.filter((dim) => typeof dim === 'number');
  return fixed.length === inner.length ? sizeOf(fixed) : undefined;
}

/** Whether a column alone can fill an input. */
export function canFillAlone(column: ColumnLook, input: TensorSignature): boolean {
  return canFillWithList(column, input) || (canBeOneValue(column, input.type) && (widthOf(input) ?? 1) === 1);
}

export function canFillWithList({ type, listShape }: ColumnLook, input: TensorSignature): boolean {
  if (familyOf(type) !== 'list' || listShape === undefined) return false;
  if (!mayBecome(type, input.type)) return false;
  if (listShape.length === 0) return true;
  const fixed = sizeOf(input.shape.slice(1).filter((dim) => typeof dim === 'number'));
  const width = widthOf(input);
  return width === undefined ? fixed > 0 && sizeOf(listShape) % fixed === 0 : sizeOf(listShape) === width;
}

/** Whether the type of a column, or of its lists' items, lets it become an element at all. */
export function mayBecome(type: string, element: ElementType): boolean {
  return castability(familyOf(type) === 'list' ? listItem(type).item : type, element) !== 'never';
}

/** Whether a column's values can be one value each of a tensor, losing nothing. */
function canBeOneValue({ type, unfit }: ColumnLook, element: ElementType): boolean {
  return castability(type, element) !== 'never' && !unfit.has(element);
}

/** As `canBeOneValue`, for a column that nothing but its type speaks for: text is no number, nothing is no feature. */
export function looksLikeFeature(column: ColumnLook, element: ElementType): boolean {
  const isText = familyOf(column.type) === 'text';
  return canBeOneValue(column, element) && isText === (element === 'string') && !column.isAllNull;
}
