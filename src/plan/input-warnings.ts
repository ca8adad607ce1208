import type { RunPlan } from './run-plan.ts';

/** What may go wrong, as far as the plan shows it: texts that have to spell numbers, texts longer than a model reads. */
export function inputWarnings({ features }: RunPlan): readonly string[] {
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
  return [...new Set([...warnings, ...lengths])];
}
