import { describe, expect, it } from 'vitest';
import type { JournalEntry } from './journal.ts';
import { type DiskState, statesAfterPowerCuts, stateWhenDone } from './power-cut.ts';

const marker: DiskState = new Map([['_SUCCESS', '']]);
const shown = (states: readonly DiskState[]) => states.map((state) => Object.fromEntries(state));

describe('the model of a power cut', () => {
  it('keeps bytes only after a flush of the file, and a name only after a flush of its folder', () => {
    const made: readonly JournalEntry[] = [
      { change: 'open', path: 'a' },
      { change: 'writeFile', path: 'a', bytes: 'text' },
    ];
    const named: readonly JournalEntry[] = [...made, { change: 'syncFolder', path: '.' }];
    const flushed: readonly JournalEntry[] = [...made, { change: 'sync', path: 'a', bytes: 'text' }];
    expect(shown([stateWhenDone(new Map(), named)])).toEqual([{ a: '' }]);
    expect(shown([stateWhenDone(new Map(), flushed)])).toEqual([{}]);
    expect(shown([stateWhenDone(new Map(), [...flushed, ...named.slice(-1)])])).toEqual([{ a: 'text' }]);
  });

  it('lets changes that are not flushed come through in any order', () => {
    const journal: readonly JournalEntry[] = [
      { change: 'rm', path: '_SUCCESS' },
      { change: 'sync', path: 'part', bytes: 'rows' },
    ];
    expect(shown(statesAfterPowerCuts(marker, journal))).toEqual(
      expect.arrayContaining([{ _SUCCESS: '', part: 'rows' }, { part: 'rows' }, {}, { _SUCCESS: '' }]),
    );
  });

  it('moves a file between folders as a whole', () => {
    const journal: readonly JournalEntry[] = [{ change: 'rename', path: 'to/a', from: 'from/a' }];
    const before: DiskState = new Map([
      ['from', undefined],
      ['to', undefined],
      ['from/a', 'rows'],
    ]);
    expect(shown(statesAfterPowerCuts(before, journal))).toEqual([
      { from: undefined, 'from/a': 'rows', to: undefined },
      { from: undefined, to: undefined, 'to/a': 'rows' },
    ]);
  });
});
