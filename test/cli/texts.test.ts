import { describe, expect, it } from 'vitest';
import { wantsColour } from '../../src/cli/colour.ts';
import { clockText, durationText } from '../../src/cli/duration-text.ts';
import { shownPath } from '../../src/cli/shown-path.ts';

describe('durations', () => {
  it.each([
    [0, '0.0 s'],
    [9.94, '9.9 s'],
    [9.96, '10 s'],
    [59.4, '59 s'],
    [59.6, '1 min 00 s'],
    [185, '3 min 05 s'],
    [3599.7, '1 h 00 min'],
    [7620, '2 h 07 min'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });

  it.each([
    [0, '0:00'],
    [0.2, '0:01'],
    [59.9, '1:00'],
    [3600, '1:00:00'],
    [7651, '2:07:31'],
  ])('%d seconds are %s on a clock', (seconds, text) => {
    expect(clockText(seconds)).toBe(text);
  });
});

describe('colours', () => {
  const nothing = { args: [], env: {}, isTerminal: true };
  it.each([
    ['are on in a terminal', nothing, true],
    ['are off in a pipe', { ...nothing, isTerminal: false }, false],
    ['are off with NO_COLOR', { ...nothing, env: { NO_COLOR: '1' } }, false],
    ['are on with an empty NO_COLOR', { ...nothing, env: { NO_COLOR: '' } }, true],
    ['are on in a pipe with FORCE_COLOR', { args: [], env: { FORCE_COLOR: '1' }, isTerminal: false }, true],
    ['are off with FORCE_COLOR=0', { ...nothing, env: { FORCE_COLOR: '0' } }, false],
    [
      'are off with --no-color whatever else says',
      { ...nothing, args: ['--no-color'], env: { FORCE_COLOR: '1' } },
      false,
    ],
  ])('%s', (_name, facts, expected) => {
    expect(wantsColour(facts)).toBe(expected);
  });
});

it('shows paths relative to the folder where they are in it', () => {
  expect(shownPath('/work/out/a', '/work')).toBe('out/a');
  expect(shownPath('/work', '/work')).toBe('.');
  expect(shownPath('/data/a', '/work')).toBe('/data/a');
});
