import { describe, expect, it } from 'vitest';
import { resolveOutputColumns } from '../../src/model/output-expression.ts';
import { Predictions } from '../../src/model/predictions.ts';

const columns = { class: 'argmax(y)', name: 'label(argmax(y), l.json)', first: 'y[0]' };
const labels = { 'l.json': { 0: 'cat', 1: 'dog' } };

function append(nonFinite: 'reject' | 'allow', rows: readonly (readonly number[])[], paddedRows = rows.length) {
  const signature = { inputs: [], outputs: [{ kind: 'tensor', name: 'y', type: 'float32', shape: ['N', 3] }] } as const;
  const outputs = resolveOutputColumns({ columns, signature, labels });
  const predictions = new Predictions(outputs, { capacity: rows.length, nonFinite });
  const padding = new Array<readonly number[]>(paddedRows - rows.length).fill([0, 0, 1]);
  const data = Float32Array.from([...rows, ...padding].flat());
  const rejects = predictions.append(
    { feeds: {}, results: { y: { data, dims: [paddedRows, 3] } } },
    { rowCount: rows.length, paddedRows },
  );
  return { rejects, columns: predictions.columns() };
}

describe('rows that have no prediction', () => {
  it('are told in their order, each once, with the column that saw it first', () => {
    const { rejects } = append('reject', [
      [0, 0, 1],
      [2, 1, 0],
      [Number.NaN, 1, 1],
      [Number.NEGATIVE_INFINITY, 1, 0],
    ]);
    expect(rejects).toEqual([
      { row: 0, code: 'NO_LABEL', message: 'name: argmax(y) is 2, which l.json does not name' },
      { row: 2, code: 'NON_FINITE', message: 'class: y is NaN' },
      { row: 3, code: 'NON_FINITE', message: 'first is -Infinity' },
    ]);
  });

  it('keep what is no number where that is allowed, but not what has no label', () => {
    const { rejects, columns: written } = append('allow', [
      [0, 0, 1],
      [Number.NaN, 1, 1],
    ]);
    expect(rejects.map(({ row, code }) => [row, code])).toEqual([[0, 'NO_LABEL']]);
    expect(written.map(({ values }) => values[1])).toEqual([0n, 'cat', Number.NaN]);
  });

  it('are not those that only fill up a batch', () => {
    expect(append('reject', [[1, 0, 0]], 4).rejects).toEqual([]);
  });
});
