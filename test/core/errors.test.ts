import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AppError, errorTable, exitCodeOf, isErrorCode, messageOf } from '../../src/core/errors.ts';

const root = join(import.meta.dirname, '../..');
/** Every test but this one. */
function testSources(): string {
  const names = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' });
  const tests = names.filter((name) => name.endsWith('.test.ts') && name !== 'core/errors.test.ts');
  return tests.map((name) => readFileSync(join(root, 'test', name), 'utf8')).join('\n');
}

describe('the table of error codes', () => {
  it.each(Object.keys(errorTable))('%s is shown by some test', (code) => {
    expect(new RegExp(`\\b${code}\\b`).test(testSources())).toBe(true);
  });

  it.each(Object.entries(errorTable))('%s has an exit code that the help promises, and a meaning', (_code, row) => {
    expect([2, 3, 4, 75, 130]).toContain(row.exitCode);
    expect(row.meaning).toMatch(/^[a-z].{10,}[^.]$/i);
  });
});

describe('AppError', () => {
  it('has the exit code of its row, unless it is given another', () => {
    expect(new AppError('LOCKED', 'x').exitCode).toBe(75);
    expect(new AppError('INTERRUPTED', 'x', { exitCode: 143 }).exitCode).toBe(143);
    expect(new AppError('LOCKED', 'x').retryable).toBe(true);
    expect(new AppError('USAGE', 'x').retryable).toBe(false);
  });

  it('keeps its cause', () => {
    const cause = new Error('why');
    expect(new AppError('DISK_FULL', 'x', { cause }).cause).toBe(cause);
  });
});

describe('what is thrown and is no AppError', () => {
  it.each([new Error('x'), 'text', undefined, null])('is a bug: exit code 1 for %s', (thrown) => {
    expect(exitCodeOf(thrown)).toBe(1);
  });

  it('still has a message', () => {
    expect([messageOf(new Error('x')), messageOf('text'), messageOf(7)]).toEqual(['x', 'text', '7']);
  });
});

describe('isErrorCode', () => {
  it('knows the codes of the table and nothing that every object has', () => {
    expect(isErrorCode('USAGE')).toBe(true);
    expect(['usage', 'toString', '__proto__', ''].map(isErrorCode)).toEqual([false, false, false, false]);
  });
});
