import { describe, expect, it } from 'vitest';
import { newPaint } from '../../src/cli/colour.ts';
import type { Io } from '../../src/cli/io.ts';
import { showError } from '../../src/cli/show-error.ts';
import { AppError } from '../../src/core/errors.ts';

function shown(error: unknown, isJson = false) {
  const written = { out: '', err: '' };
  const io: Io = {
    out: (text) => {
      written.out += text;
    },
    err: (text) => {
      written.err += text;
    },
    isWatched: false,
    isOutWatched: false,
    paintOut: newPaint(false),
    paintErr: newPaint(false),
  };
  return { exitCode: showError(io, error, isJson), ...written };
}

const locked = new AppError('LOCKED', 'out is locked by process 7', { hint: 'wait', details: { pid: 7 } });

describe('an error', () => {
  it('is its code, message and hint on stderr, and the exit code of its code', () => {
    expect(shown(locked)).toEqual({
      exitCode: 75,
      out: '',
      err: 'error LOCKED: out is locked by process 7\nhint: wait\n',
    });
  });

  it('shows the text that it is about with a caret under the character', () => {
    const text = `round(logits,\n${'1'.repeat(100)})`;
    const at = (position: number) =>
      shown(new AppError('MODEL_OUTPUT_MISMATCH', 'no', { hint: 'yes', details: { text, position } })).err;
    expect(at(6)).toBe(`error MODEL_OUTPUT_MISMATCH: no\n  round(logits, ${'1'.repeat(32)}\n        ^\nhint: yes\n`);
    expect(at(114)).toBe(`error MODEL_OUTPUT_MISMATCH: no\n  ${'1'.repeat(60)})\n  ${' '.repeat(60)}^\nhint: yes\n`);
  });

  it('is one line of JSON on stdout too, when asked for', () => {
    const { out, err } = shown(locked, true);
    expect(err).not.toBe('');
    expect(out.split('\n')).toEqual([expect.any(String), '']);
    expect(JSON.parse(out)).toEqual({
      v: 1,
      type: 'error',
      time: expect.any(String),
      code: 'LOCKED',
      message: 'out is locked by process 7',
      hint: 'wait',
      details: { pid: 7 },
      exitCode: 75,
    });
  });

  it('that nobody expected is a bug: a stack and exit code 1', () => {
    const { exitCode, err } = shown(new TypeError('x is undefined'));
    expect(exitCode).toBe(1);
    expect(err).toMatch(/^error INTERNAL: this is a bug in nightshift.*\nTypeError: x is undefined\n {4}at /);
  });

  it('is the first one when cleaning up after it failed too', () => {
    expect(shown(new SuppressedError(new Error('cleanup'), locked)).exitCode).toBe(75);
  });
});
