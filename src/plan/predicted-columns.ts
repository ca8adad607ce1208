import { type OutputColumn, resolveOutputColumns } from '../model/output-expression.ts';
import type { RunPlan } from './run-plan.ts';

/** The columns that a run predicts, in their order. */
export function predictedColumns(plan: RunPlan): readonly OutputColumn[] {
  return resolveOutputColumns({ columns: plan.outputColumns, signature: plan.model.signature, labels: plan.labels });
}
