import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Lanes } from '../../src/model/lanes.ts';

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
};

describe('lanes', () => {
  it('take each row once, in order, never more at a time than there are lanes, whoever asks', async () => {
    const times = fc.array(fc.array(fc.nat(9), { maxLength: 8 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(times, fc.integer({ min: 1, max: 5 }), async (callers, count) => {
        const lanes = new Lanes(count);
        const begun: string[] = [];
        let going = 0;
        const calls = callers.map((rows, caller) =>
          lanes.forEach(rows.keys(), async (row) => {
            begun.push(`${caller} ${row}`);
            going += 1;
            expect(going).toBeLessThanOrEqual(count);
            await turns(rows[row] ?? 0);
            going -= 1;
          }),
        );
        await Promise.all(calls);
        expect(begun).toEqual(callers.flatMap((rows, caller) => rows.map((_, row) => `${caller} ${row}`)));
      }),
    );
  });

  it('begin no more rows of a call that failed, and throw once those that go on have ended', async () => {
    const lanes = new Lanes(2);
    const log: string[] = [];
    const call = lanes.forEach([0, 1, 2, 3], async (row) => {
      log.push(`begun ${row}`);
      if (row === 0) throw new Error('the disk is gone');
      await turns(20);
      log.push(`ended ${row}`);
    });
    await expect(call).rejects.toThrow('the disk is gone');
    expect(log).toEqual(['begun 0', 'begun 1', 'ended 1']);
    const other: number[] = [];
    await lanes.forEach([7, 8, 9], async (row) => {
      other.push(row);
    });
    expect(other).toEqual([7, 8, 9]);
  });
});
