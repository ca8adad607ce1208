import { describe, expect, it } from 'vitest';
import { commitSchema } from '../../src/plan/commit.ts';
import { partName, partTempName } from '../../src/plan/layout.ts';
import { planRun } from '../../src/plan/plan-run.ts';
import { runPlanSchema } from '../../src/plan/run-plan.ts';
import { fileOf, planInput, tensor } from './plan-input.ts';
import { commitOf } from './run-plan.ts';

const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('plan.json', () => {
  it.each([
    { what: 'the least there is', plan: { job: { features: { x: ['a', 'b'] } } } },
    {
      what: 'everything',
      plan: {
        files: [fileOf([3, 4]), fileOf([2], 'small')],
        columns: { a: 'FLOAT', b: 'DECIMAL(9,2)', id: 'BIGINT', 'größe "東京"': 'VARCHAR' },
        inputs: [tensor('x', 'float32', [4, 2]), tensor('s', 'string', ['N', 1])],
        outputs: [tensor('y', 'int64', ['N']), { kind: 'other', name: 'seq', type: 'seq(tensor(float))' } as const],
        job: {
          input: { path: 'in.parquet', where: "id > 3 AND a <> 'x'" },
          features: { x: { columns: ['a', 'b'], nulls: -1 }, s: { columns: 'größe "東京"', nulls: '' } },
          output: { path: 'out', keep: ['id'], columns: { label: 'y' }, format: 'csv', compression: 'gzip' },
          execution: { shardRows: 3 },
          errors: { maxRejected: '0.1%' },
          checks: [{ notNull: ['id', 'label'] }, { rowCount: 'input' }, { psi: { column: 'label', max: 0.2 } }],
        },
      },
    },
  ])('is read back as it was written: $what', ({ plan }) => {
    const planned = planRun(planInput(plan));
    expect(runPlanSchema.parse(throughJson(planned))).toEqual(throughJson(planned));
  });

  it('of another version, or with a field that is not known, is refused', () => {
    const plan = planRun(planInput({ job: { features: { x: ['a', 'b'] } } }));
    expect(runPlanSchema.safeParse({ ...plan, v: 2 }).success).toBe(false);
    expect(runPlanSchema.safeParse({ ...plan, extra: 1 }).success).toBe(false);
  });
});

describe('a commit', () => {
  it('is read back as it was written', () => {
    const commit = commitOf(3, {
      rejects: 'rejects-00003.parquet',
      firstReject: 'row 1: no',
      rejectedRows: 1,
      rowsOut: 9,
    });
    expect(commitSchema.parse(throughJson(commit))).toEqual(commit);
  });

  it.each([
    ['a version to come', { v: 2 }],
    ['an attempt of 0', { attempt: 0 }],
    ['rows below zero', { rowsIn: -1 }],
    ['a field that is not known', { extra: 1 }],
  ])('with %s is refused', (_what, change) => {
    expect(commitSchema.safeParse({ ...commitOf(0), ...change }).success).toBe(false);
  });
});

describe('names of parts', () => {
  it.each([
    ['parquet', 'zstd', 'part-00007.parquet'],
    ['parquet', 'none', 'part-00007.parquet'],
    ['csv', 'gzip', 'part-00007.csv.gz'],
    ['csv', 'none', 'part-00007.csv'],
    ['jsonl', 'zstd', 'part-00007.jsonl.zst'],
    ['arrow', 'none', 'part-00007.arrow'],
  ] as const)('tell format and compression: %s %s', (format, compression, name) => {
    expect(partName(7, { format, compression })).toBe(name);
  });

  it('keep the attempts of a shard apart while they are written', () => {
    const part = { format: 'parquet', compression: 'zstd' } as const;
    expect(partTempName(7, 2, part)).toBe('part-00007.a2.tmp.parquet');
  });
});
