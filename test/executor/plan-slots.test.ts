import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Device } from '../../src/executor/contract.ts';
import { canReadAhead, planSlots, type SlotOptions } from '../../src/executor/plan-slots.ts';

const gibibyte = 2 ** 30;
const cpu: Device = { name: 'cpu', kind: 'cpu', uuid: undefined, description: 'CPU', memoryBytes: undefined };
const gpu = (index: number): Device => ({
  name: `cuda:${index}`,
  kind: 'cuda',
  uuid: `GPU-${index}`,
  description: 'a GPU',
  memoryBytes: 80 * gibibyte,
});

/** `cpu×2` is a worker on the CPU with two threads. */
function slots(options: Partial<SlotOptions>): readonly string[] {
  const planned = planSlots({
    devices: [cpu],
    workersPerDevice: 'auto',
    intraOpThreads: 'auto',
    cores: 8,
    memoryBytes: 64 * gibibyte,
    modelBytes: 0,
    ...options,
  });
  expect(planned.map((slot) => slot.index)).toEqual(planned.map((_slot, index) => index));
  return planned.map((slot) => `${slot.device.name}×${slot.intraOpThreads}`);
}

const times = (count: number, text: string) => Array.from({ length: count }, () => text);

describe('planSlots', () => {
  it.each<{ what: string; options: Partial<SlotOptions>; planned: readonly string[] }>([
    { what: 'one worker of one thread a core', options: {}, planned: times(8, 'cpu×1') },
    { what: 'one core', options: { cores: 1 }, planned: ['cpu×1'] },
    { what: 'threads that fill the cores', options: { workersPerDevice: 2 }, planned: times(2, 'cpu×4') },
    { what: 'threads as told', options: { intraOpThreads: 3 }, planned: times(2, 'cpu×3') },
    { what: 'more threads than cores', options: { intraOpThreads: 16 }, planned: ['cpu×16'] },
    {
      what: 'workers and threads as told, even if that is too many',
      options: { workersPerDevice: 12, intraOpThreads: 2 },
      planned: times(12, 'cpu×2'),
    },
    { what: 'more workers than cores', options: { workersPerDevice: 12 }, planned: times(12, 'cpu×1') },
    {
      what: 'as many workers as fit in half of the memory, and threads for the cores that are left',
      options: { memoryBytes: 8 * gibibyte, modelBytes: 800 * 2 ** 20 },
      planned: ['cpu×8'],
    },
    { what: 'one worker in too little memory', options: { memoryBytes: gibibyte / 4 }, planned: ['cpu×8'] },
    { what: 'one worker a GPU', options: { devices: [gpu(0), gpu(1)] }, planned: ['cuda:0×1', 'cuda:1×1'] },
    {
      what: 'several workers a GPU',
      options: { devices: [gpu(0)], workersPerDevice: 3 },
      planned: times(3, 'cuda:0×1'),
    },
    {
      what: "GPU workers' cores are left out of the CPU's",
      options: { devices: [gpu(0), gpu(1), cpu] },
      planned: ['cuda:0×1', 'cuda:1×1', ...times(6, 'cpu×1')],
    },
  ])('gives $what', ({ options, planned }) => {
    expect(slots(options)).toEqual(planned);
  });

  it('never asks for more threads than cores by itself', () => {
    fc.assert(
      fc.property(
        fc.record({
          cores: fc.integer({ min: 1, max: 256 }),
          memoryBytes: fc.integer({ min: 2 ** 20, max: 2 ** 45 }),
          modelBytes: fc.integer({ min: 0, max: 2 ** 36 }),
        }),
        (machine) => {
          const planned = planSlots({ devices: [cpu], workersPerDevice: 'auto', intraOpThreads: 'auto', ...machine });
          const threads = planned.reduce((sum, slot) => sum + slot.intraOpThreads, 0);
          expect(planned.length).toBeGreaterThan(0);
          expect(threads).toBeLessThanOrEqual(machine.cores);
        },
      ),
    );
  });
});

describe('canReadAhead', () => {
  const slot = (device: Device, intraOpThreads: number) => ({ index: 0, device, intraOpThreads });

  it.each([
    { what: 'an idle core', all: [slot(cpu, 1)], cores: 2, can: true },
    { what: 'cores that are all busy', all: [slot(cpu, 1), slot(cpu, 1)], cores: 2, can: false },
    { what: 'a worker whose threads take all cores', all: [slot(cpu, 4)], cores: 4, can: false },
    { what: 'a GPU worker, which takes one core', all: [slot(gpu(0), 8)], cores: 2, can: true },
  ])('with $what: $can', ({ all, cores, can }) => {
    expect(canReadAhead(all, cores)).toBe(can);
  });
});
