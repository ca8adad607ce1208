import { expect, it } from 'vitest';
import { newPorts } from '../../src/cli/context.ts';
import { newRunId } from '../../src/run/open-run.ts';

it('run ids sort by time, within a second too, whatever their random digits are', () => {
  const ids = [0, 1, 9, 10, 15, 16, 255, 256, 999, 1000].map((ms, index) =>
    newRunId({ ...newPorts(), now: () => new Date(ms), randomId: () => (index % 2 === 0 ? 'ffffff' : '000000') }),
  );
  expect(ids.toSorted()).toEqual(ids);
  expect(ids[1]).toBe('19700101T000000Z-001000');
});
