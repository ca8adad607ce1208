import { sqlTypeOf } from '../dataset/column-type.ts';
import type { WrittenColumn } from '../dataset/contract.ts';
import { predictedColumns } from './predicted-columns.ts';
import type { RunPlan } from './run-plan.ts';

/** The columns of a plan's parts, in their order, as the parts hold them. */
export function outputTable(plan: RunPlan): readonly WrittenColumn[] {
  const kept = plan.keep.map((name) => ({
    name,
    type: plan.dataset.columns.find((column) => column.name === name)?.type ?? 'VARCHAR',
    nullIsNan: false,
  }));
  const predicted = predictedColumns(plan).map(({ name, type, innerShape }) => {
    const isList = innerShape.some((dim) => dim !== 1);
    const sqlType = type === 'bool' ? 'BOOLEAN' : sqlTypeOf(type);
    // A model gives no nulls, so that a null in JSON was NaN.
    const nullIsNan = plan.part.format === 'jsonl' && type.startsWith('float') && !isList;
    return { name, type: isList ? `${sqlType}${'[]'.repeat(innerShape.length)}` : sqlType, nullIsNan };
  });
  return [...kept, ...predicted];
}
