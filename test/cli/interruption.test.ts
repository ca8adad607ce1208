import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Interruption } from '../../src/cli/interruption.ts';
import { AppError } from '../../src/core/errors.ts';

const exit = vi.spyOn(process, 'exit');

beforeEach(() => {
  vi.useFakeTimers();
  exit.mockReset().mockImplementation((code) => {
    throw new Error(`exit ${code}`);
  });
});
afterEach(() => {
  vi.useRealTimers();
});

it.each([
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('turns the first %s into an abort that ends with exit code %d', (signal, exitCode) => {
  const onFirst = vi.fn();
  using interruption = new Interruption({ onFirst });
  process.emit(signal, signal);
  const reason: unknown = interruption.signal.reason;
  expect(reason).toBeInstanceOf(AppError);
  expect(reason).toMatchObject({ code: 'INTERRUPTED', exitCode, message: `stopped by ${signal}` });
  expect(onFirst).toHaveBeenCalledExactlyOnceWith(signal);
});

it('exits at once on a second signal', () => {
  using _interruption = new Interruption();
  process.emit('SIGINT', 'SIGINT');
  vi.advanceTimersByTime(400);
  expect(() => process.emit('SIGTERM', 'SIGTERM')).toThrow('exit 143');
});

it('takes a signal that comes twice within a moment for one, as npm and timeout send it', () => {
  using _interruption = new Interruption();
  process.emit('SIGTERM', 'SIGTERM');
  vi.advanceTimersByTime(100);
  process.emit('SIGTERM', 'SIGTERM');
  expect(exit).not.toHaveBeenCalled();
});

it('listens no more when it is disposed of', () => {
  const before = process.listenerCount('SIGINT');
  {
    using _interruption = new Interruption();
    expect(process.listenerCount('SIGINT')).toBe(before + 1);
  }
  expect(process.listenerCount('SIGINT')).toBe(before);
});
