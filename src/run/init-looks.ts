import type { ColumnSchema, ElementType, FeatureRequest, OpenedDataset } from '../dataset/contract.ts';
import type { ModelSignature } from '../model/contract.ts';
import { type ColumnLook, isTextType, mayBecome, mayBeKey } from '../plan/guess-columns.ts';
import type { Ports } from './ports.ts';

/** Rows from which `init` draws its conclusions; statistics of the files count for all rows. */
export const sampleRows = 1_000_000;

/** Looks at the columns of an opened dataset as far as guessing needs it. */
export async function lookAtColumns(
  ports: Ports,
  { facts, listShapes }: OpenedDataset,
  signature: ModelSignature,
): Promise<readonly ColumnLook[]> {
  const elements = [...new Set(signature.inputs.flatMap((input) => (input.kind === 'tensor' ? [input.type] : [])))];
  const casts = facts.columns.flatMap((column) => {
    const innerShape = column.type.endsWith(']') ? (listShapes.get(column.name) ?? []) : [1];
    const possible = elements.filter((element) => innerShape.length > 0 && mayBecome(column.type, element));
    return possible.map((element) => ({ column, element, innerShape }));
  });
  const profile = await ports.profileRows(facts, {
    sampleRows,
    nullsOf: facts.columns.map((column) => column.name),
    uniqueOf: facts.columns.filter(mayBeKey).map((column) => column.name),
    rejectsOf: casts.map((cast) => [castRequest(cast)]),
    textsIn: [],
    texts: [],
    lengthsOf: facts.columns.flatMap(({ name, type }) => (isTextType(type) ? [name] : [])),
    firstRows: 0,
  });
  const unfit = (name: string) =>
    casts.flatMap(({ column, element }, index) =>
      column.name === name && (profile.rejected[index] ?? 0) > 0 ? [element] : [],
    );
  return facts.columns.map((column): ColumnLook => {
    const nullsSeen = profile.nullCounts.get(column.name) ?? 0;
    return {
      name: column.name,
      type: column.type,
      nullCount: column.nullCount ?? nullsSeen,
      isAllNull: profile.rowCount > 0 && nullsSeen === profile.rowCount,
      listShape: listShapes.get(column.name),
      meanLength: profile.meanLengths.get(column.name),
      isUnique: profile.unique.has(column.name),
      unfit: new Set(unfit(column.name)),
    };
  });
}

interface Cast {
  readonly column: ColumnSchema;
  readonly element: ElementType;
  readonly innerShape: readonly number[];
}

/** One column as a tensor of its own, nulls filled, so that what it rejects are values that don't fit. */
function castRequest({ column, element, innerShape }: Cast): FeatureRequest {
  const { name, type } = column;
  return {
    input: name,
    columns: [{ name, type, nullFree: false, fits: false }],
    element,
    innerShape,
    nulls: { value: element === 'string' ? '' : 0 },
  };
}
