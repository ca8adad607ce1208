import { expect, it } from 'vitest';
import { retryAfterMs } from '../../src/telemetry/retry-after.ts';

const now = new Date('2026-11-24T02:30:00Z');

it.each([
  [null, undefined],
  ['', undefined],
  ['soon', undefined],
  ['-1', undefined],
  ['1.5', undefined],
  ['0', 0],
  ['120', 120_000],
  ['Tue, 24 Nov 2026 02:31:00 GMT', 60_000],
  ['Tue, 24 Nov 2026 02:00:00 GMT', 0],
])('Retry-After: %s is %s ms', (header, ms) => {
  expect(retryAfterMs(header, now)).toBe(ms);
});
