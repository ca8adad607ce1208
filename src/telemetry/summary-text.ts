import type { RunNotice } from './contract.ts';

/** A run in one line, as people would want it in a list. */
export function summaryText(notice: RunNotice): string {
  const test = notice.test === true ? 'TEST: ' : '';
  return `${test}${notice.job} ${outcomeText(notice)}\n`;
}

function outcomeText(notice: RunNotice): string {
  if (notice.type === 'run-failed') return `failed: ${notice.error.message} (${notice.error.code})`;
  if (notice.skipped !== undefined) return `had nothing to do: ${notice.skipped}`;
  const { out = 0, rejected = 0 } = notice.rows ?? {};
  return `published ${out} rows in ${notice.durationSeconds.toFixed(1)} s, ${rejected} rejected`;
}
