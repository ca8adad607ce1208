import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Patience } from '../../src/cli/patience.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('patience with notices', () => {
  it('has no end while nobody interrupts', () => {
    using patience = new Patience(new AbortController().signal);
    patience.begin();
    vi.advanceTimersByTime(3_600_000);
    expect(patience.signal.aborted).toBe(false);
  });

  it.each([
    ['an interruption while they are sent', true],
    ['their beginning, when the run itself was interrupted', false],
  ])('ends five seconds after %s', (_what, isBegun) => {
    const interruption = new AbortController();
    using patience = new Patience(interruption.signal);
    if (isBegun) patience.begin();
    interruption.abort();
    if (!isBegun) {
      vi.advanceTimersByTime(60_000);
      patience.begin();
    }
    vi.advanceTimersByTime(4999);
    expect(patience.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(patience.signal.aborted).toBe(true);
  });
});
