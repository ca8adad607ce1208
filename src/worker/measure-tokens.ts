import { type BatchSize, usualTokens, windowRows } from '../plan/batch-size.ts';
import type { Shard } from '../plan/run-plan.ts';
import { cutBatches, type TokenBatch } from './cut-batches.ts';
import type { RowWindow } from './row-window.ts';
import { firstWindow } from './row-windows.ts';
import type { Scorer } from './scorer.ts';

const candidates = [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536] as const;
const budgetMs = 400;
/** Rates closer than this are taken as equal, since they would change places in the next measurement. */
const noise = 1.05;

/**
 * Tokens a batch that this model scores fastest, measured on the first window of a shard: sizes grow until two of them
 * in a row bring nothing, or the next would take more than what is left of the budget.
 */
export async function measureTokens(scorer: Scorer, shard: Shard): Promise<BatchSize> {
  const window = await firstWindow(scorer, shard, { batchRows: windowRows });
  return { batchRows: windowRows, batchTokens: window === undefined ? usualTokens : await fastest(scorer, window) };
}

async function fastest(scorer: Scorer, window: RowWindow): Promise<number> {
  const started = performance.now();
  const measured: { readonly tokens: number; readonly rate: number }[] = [];
  let best = 0;
  let misses = 0;
  for (const batchTokens of candidates) {
    const batch = typicalBatch(scorer, window, batchTokens);
    if (batch === undefined || misses === 2) break;
    const left = budgetMs - (performance.now() - started);
    // Twice, since the first call of a size pays for its memory.
    if (best > 0 && (2 * batchTokens) / best > left) break;
    const rate = await rateOf(scorer, window, batch);
    misses = rate > best * noise ? 0 : misses + 1;
    best = Math.max(best, rate);
    measured.push({ tokens: batchTokens, rate });
  }
  return measured.find(({ rate }) => rate * noise >= best)?.tokens ?? usualTokens;
}

/** The middle one of a window's batches; undefined where the window is too small to have a whole one. */
function typicalBatch(scorer: Scorer, window: RowWindow, batchTokens: number): TokenBatch | undefined {
  const { rows, lengths } = window;
  const batches = cutBatches(
    { rows, lengths, mustBeEqual: scorer.mustBeEqual },
    { batchRows: windowRows, batchTokens },
  );
  return batches.length < 2 ? undefined : batches[Math.floor((batches.length - 1) / 2)];
}

/** Tokens a millisecond of the faster of two calls. */
async function rateOf(scorer: Scorer, window: RowWindow, { rows, width }: TokenBatch): Promise<number> {
  let best = 0;
  for (let call = 0; call < 2; call++) {
    const before = performance.now();
    await scorer.run(window.feeds(rows));
    best = Math.max(best, (rows.length * width) / (performance.now() - before));
  }
  return best;
}
