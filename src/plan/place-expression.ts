import { AppError } from '../core/errors.ts';
import { type LabelFile, labelFiles } from '../model/output-expression.ts';
import type { PlanInput } from './plan-input.ts';

type Placing = Pick<PlanInput, 'job' | 'locate'>;

/** An error about an output expression, with the place in the spec that it is about. */
export function placedExpressionError(error: unknown, { job, locate }: Placing): unknown {
  if (!(error instanceof AppError)) return error;
  const { column, text, position } = error.details;
  const isNamed = typeof column === 'string' && job.output.columns !== undefined;
  const within = typeof text === 'string' && typeof position === 'number' ? { text, position } : undefined;
  const place = locate(isNamed ? ['output', 'columns', column] : ['output'], isNamed ? within : undefined);
  return new AppError(error.code, `${place}: ${error.message}`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    details: error.details,
    cause: error,
  });
}

/**
 * The files of labels that a job's output columns name.
 * @throws AppError MODEL_OUTPUT_MISMATCH with the place of an expression that cannot be read
 */
export function labelFilesOf({ job, locate }: Placing): readonly LabelFile[] {
  try {
    return labelFiles(job.output.columns ?? {});
  } catch (error) {
    throw placedExpressionError(error, { job, locate });
  }
}
