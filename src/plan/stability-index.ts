/** An empty bin counts as this fraction, so that the logarithm stays finite. */
const leastFraction = 1e-4;

/**
 * The population stability index of two tables over the same bins: `Σ (a - e) · ln(a / e)` of their fractions.
 * @returns undefined when one of them has no rows
 */
export function stabilityIndex(expected: readonly number[], actual: readonly number[]): number | undefined {
  const total = (bins: readonly number[]) => bins.reduce((sum, rows) => sum + rows, 0);
  const [expectedRows, actualRows] = [total(expected), total(actual)];
  if (expectedRows === 0 || actualRows === 0) return undefined;
  return expected.reduce((sum, rows, index) => {
    const e = Math.max(rows / expectedRows, leastFraction);
    const a = Math.max((actual[index] ?? 0) / actualRows, leastFraction);
    return sum + (a - e) * Math.log(a / e);
  }, 0);
}
