import type { RunPlan } from './run-plan.ts';

/** What may go wrong row by row, as far as the types of columns show it: texts that have to spell numbers. */
export function inputWarnings({ features }: RunPlan): readonly string[] {
  const warnings = features.flatMap(({ columns, element }) =>
    element === 'string'
      ? []
      : columns
          .filter(({ type }) => type === 'VARCHAR')
          .map(({ name }) => `column ${name} is VARCHAR: every value must parse as ${element}, or its row is rejected`),
  );
  return [...new Set(warnings)];
}
