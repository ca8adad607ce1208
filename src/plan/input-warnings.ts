import type { ExecutionSpec } from '../spec/job-spec.ts';
import type { RunPlan } from './run-plan.ts';
import { idleKey } from './tune-grid.ts';

/**
 * What may go wrong, as far as the plan shows it: texts that have to spell numbers, texts longer than a model reads, and
 * a setting that says nothing of the job.
 */
export function inputWarnings(plan: RunPlan, { batchTokens }: Pick<ExecutionSpec, 'batchTokens'>): readonly string[] {
  const { features } = plan;
  const warnings = features.flatMap(({ columns, element }) =>
    element === 'string'
      ? []
      : columns
          .filter(({ type }) => type === 'VARCHAR')
          .map(({ name }) => `column ${name} is VARCHAR: every value must parse as ${element}, or its row is rejected`),
  );
  const lengths = features.flatMap(({ input, text }) => {
    const most = text?.tokenizer.maxLength;
    if (text === undefined || most === undefined || text.maxLength <= most) return [];
    return `${input} keeps ${text.maxLength} tokens, and its tokenizer.json cuts at ${most}: the model may not read more`;
  });
  const idle = batchTokens === 'auto' ? undefined : idleKey(plan, ['batchTokens']);
  const settings = idle === undefined ? [] : [`execution.batchTokens does not apply to this job: ${idle.reason}`];
  return [...new Set([...warnings, ...lengths, ...settings])];
}
