import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { mapFeatures } from '../../src/plan/map-features.ts';
import { type PlanCase, planInput, tensor } from './plan-input.ts';

const two = { features: { x: ['a', 'b'] } };

describe('mapFeatures', () => {
  it.each<{ what: string; plan: PlanCase; innerShape: readonly number[] }>([
    { what: 'columns beside each other', plan: { job: two }, innerShape: [2] },
    {
      what: 'one column for [N, 1]',
      plan: { inputs: [tensor('a', 'float32', ['N', 1])] },
      innerShape: [1],
    },
    { what: 'one column for [N]', plan: { inputs: [tensor('a', 'float32', ['N'])] }, innerShape: [] },
    {
      what: 'columns for a free width',
      plan: { job: two, inputs: [tensor('x', 'float32', ['N', 'width'])] },
      innerShape: [2],
    },
    {
      what: 'columns for an unknown rank',
      plan: { job: two, inputs: [tensor('x', 'float32', ['...'])] },
      innerShape: [2],
    },
    {
      what: 'columns for a rank of 4',
      plan: { job: two, inputs: [tensor('x', 'float32', ['', 1, 2, 1])] },
      innerShape: [1, 2, 1],
    },
    {
      what: 'a list for a free width',
      plan: {
        columns: { x: 'FLOAT[]' },
        listShapes: { x: [7] },
        inputs: [tensor('x', 'float32', ['', ''])],
      },
      innerShape: [7],
    },
    {
      what: 'a list of 64 for [N, 1, 8, 8]',
      plan: {
        columns: { x: 'FLOAT[]' },
        listShapes: { x: [64] },
        inputs: [tensor('x', 'float32', ['N', 1, 8, 8])],
      },
      innerShape: [1, 8, 8],
    },
    {
      what: 'a list of 64 for [N, 8, free]',
      plan: {
        columns: { x: 'FLOAT[]' },
        listShapes: { x: [64] },
        inputs: [tensor('x', 'float32', ['N', 8, 'free'])],
      },
      innerShape: [8, 8],
    },
    {
      what: 'nested lists for two free dimensions',
      plan: {
        columns: { x: 'FLOAT[][]' },
        listShapes: { x: [3, 5] },
        inputs: [tensor('x', 'float32', ['N', 'a', 'b'])],
      },
      innerShape: [3, 5],
    },
    {
      what: 'lists that are all null for a fixed width',
      plan: { columns: { x: 'FLOAT[]' }, inputs: [tensor('x', 'float32', ['N', 4])] },
      innerShape: [4],
    },
  ])('fills an input from $what', ({ plan, innerShape }) => {
    expect(mapFeatures(planInput(plan)).features.map((feature) => feature.innerShape)).toEqual([innerShape]);
  });

  it('takes inputs that the job does not name from the column of their name', () => {
    const inputs = [tensor('a', 'float32', ['N', 1]), tensor('b', 'float32', ['N', 1])];
    const { features } = mapFeatures(planInput({ inputs, job: { features: { b: 'a' } } }));
    expect(features.map(({ input, columns }) => [input, columns.map((column) => column.name)])).toEqual([
      ['a', ['a']],
      ['b', ['a']],
    ]);
  });

  it.each<{ nulls: unknown; type: 'float32' | 'int8' | 'string' | 'bool'; policy: unknown }>([
    { nulls: 'reject', type: 'float32', policy: 'reject' },
    { nulls: 'nan', type: 'float32', policy: 'nan' },
    { nulls: -1.5, type: 'float32', policy: { value: -1.5 } },
    { nulls: '3', type: 'int8', policy: { value: 3 } },
    { nulls: 127, type: 'int8', policy: { value: 127 } },
    { nulls: '', type: 'string', policy: { value: '' } },
    { nulls: 7, type: 'string', policy: { value: '7' } },
    { nulls: false, type: 'bool', policy: { value: false } },
  ])('fills nulls of $type with $nulls', ({ nulls, type, policy }) => {
    const columns = { x: type === 'string' ? 'VARCHAR' : type === 'bool' ? 'BOOLEAN' : 'TINYINT' };
    const plan = { columns, inputs: [tensor('x', type, ['N', 1])], job: { features: { x: { columns: 'x', nulls } } } };
    expect(mapFeatures(planInput(plan)).features[0]?.nulls).toEqual(policy);
  });

  it('finds the batch that the model fixes', () => {
    const inputs = [tensor('a', 'float32', [4, 1]), tensor('b', 'float32', ['N', 1])];
    expect(mapFeatures(planInput({ inputs })).fixedBatchRows).toBe(4);
    expect(mapFeatures(planInput({ job: two })).fixedBatchRows).toBeUndefined();
  });

  it('marks columns whose statistics say that they are free of nulls', () => {
    const plan = planInput({ job: two });
    const [a, ...rest] = plan.dataset.columns;
    const columns = a === undefined ? rest : [{ ...a, nullCount: undefined }, ...rest];
    const { features } = mapFeatures({ ...plan, dataset: { ...plan.dataset, columns } });
    expect(features[0]?.columns.map((column) => column.nullFree)).toEqual([false, true]);
  });
});

describe('a mapping that cannot be', () => {
  it.each<{ mistake: string; plan: PlanCase; message: string; hint: string }>([
    {
      mistake: 'an input that the model has not',
      plan: { job: { features: { xs: ['a', 'b'] } } },
      message: 'features.xs: the model has no input xs; it has x',
      hint: 'choose from x',
    },
    {
      mistake: 'a mistyped input',
      plan: {
        inputs: [tensor('features', 'float32', ['N', 2])],
        job: { features: { feature: ['a', 'b'] } },
      },
      message: 'features.feature: the model has no input feature; it has features',
      hint: 'did you mean features?',
    },
    {
      mistake: 'a sequence as an input',
      plan: { inputs: [{ kind: 'other', name: 's', type: 'seq(tensor(float))' }] },
      message: 'features: model input s is seq(tensor(float)), which columns cannot fill',
      hint: 'export the model with tensor inputs',
    },
    {
      mistake: 'different fixed batches',
      plan: { inputs: [tensor('a', 'float32', [4, 1]), tensor('b', 'float32', [8, 1])] },
      message: 'features: model inputs fix different batch sizes, 4 and 8',
      hint: 'export the model with a free batch dimension',
    },
    {
      mistake: 'no column of the name of an input',
      plan: {},
      message: 'features: model input x float32[N, 2] has no column of its name',
      hint: 'name its columns: features: { x: [a, b] }',
    },
    {
      mistake: 'a column that the dataset has not',
      plan: { columns: { price: 'FLOAT', b: 'FLOAT' }, job: { features: { x: ['b', 'prices'] } } },
      message: 'features.x.columns.1: column prices is not in the dataset',
      hint: 'did you mean price?',
    },
    {
      mistake: 'too many columns',
      plan: { job: { features: { x: ['a', 'b', 'a'] } } },
      message: 'features.x.columns: model input x float32[N, 2] wants 2 values a row, but 3 columns are given',
      hint: 'give as many columns as the input is wide, in the order of training',
    },
    {
      mistake: 'a column for a matrix',
      plan: { job: { features: { x: 'a' } }, inputs: [tensor('x', 'float32', ['', 2, ''])] },
      message: 'features.x.columns: model input x float32[N, 2, ?] wants 2 × ? values a row, but 1 column is given',
      hint: 'give as many columns as the input is wide, in the order of training',
    },
    {
      mistake: 'a list of another length',
      plan: { columns: { x: 'FLOAT[]' }, listShapes: { x: [3] } },
      message: 'features: model input x float32[N, 2] wants 2 values a row, but column x holds lists of 3',
      hint: 'give as many columns as the input is wide, in the order of training',
    },
    {
      mistake: 'lists that are all null for a free width',
      plan: { columns: { x: 'FLOAT[]' }, inputs: [tensor('x', 'float32', ['N', 'seq'])] },
      message:
        'features: model input x float32[N, seq] wants seq values a row, but column x holds lists of unknown length',
      hint: 'give as many columns as the input is wide, in the order of training',
    },
    {
      mistake: 'a timestamp as a feature',
      plan: { columns: { a: 'FLOAT', at: 'TIMESTAMP' }, job: { features: { x: ['a', 'at'] } } },
      message: 'features.x.columns.1: column at is TIMESTAMP, which cannot become float32',
      hint: 'choose another column, or cast it where the dataset is made',
    },
    {
      mistake: 'a list beside a column',
      plan: { columns: { a: 'FLOAT', l: 'FLOAT[]' }, job: { features: { x: ['a', 'l'] } } },
      message: 'features.x.columns.1: column l is a list (FLOAT[]), and a list fills an input alone',
      hint: 'give the list column only',
    },
    {
      mistake: 'a list of texts for numbers of another kind',
      plan: { columns: { x: 'DATE[]' }, listShapes: { x: [2] } },
      message: 'features: column x is DATE[], which cannot become float32',
      hint: 'choose another column, or cast it where the dataset is made',
    },
  ])('$mistake', ({ plan, message, hint }) => {
    expect(errorOf(plan)).toEqual({ message, hint });
  });

  it.each([
    { type: 'int64', nulls: 'nan', problem: 'int64 has no NaN, so nulls of x cannot become one' },
    { type: 'int64', nulls: 0.5, problem: '0.5 is no int64' },
    { type: 'int8', nulls: 128, problem: '128 is no int8' },
    { type: 'uint8', nulls: -1, problem: '-1 is no uint8' },
    { type: 'bool', nulls: 2, problem: '2 is no bool' },
    { type: 'float32', nulls: 'none', problem: '"none" is no float32' },
    { type: 'float32', nulls: '', problem: '"" is no float32' },
  ] as const)('nulls: $nulls for $type', ({ type, nulls, problem }) => {
    const plan = { columns: { x: 'TINYINT' }, inputs: [tensor('x', type, ['N', 1])] };
    expect(errorOf({ ...plan, job: { features: { x: { columns: 'x', nulls } } } })?.message).toBe(
      `features.x.nulls: ${problem}`,
    );
  });
});

function errorOf(plan: PlanCase): { message: string; hint: string | undefined } | undefined {
  try {
    mapFeatures(planInput(plan));
    return undefined;
  } catch (error) {
    if (error instanceof AppError) return { message: error.message, hint: error.hint };
    throw error;
  }
}
