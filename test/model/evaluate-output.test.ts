import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TensorType } from '../../src/model/contract.ts';
import { evaluateOutput } from '../../src/model/evaluate-output.ts';
import type { OutputTensor } from '../../src/model/output-blocks.ts';
import { parseExpression } from '../../src/model/parse-expression.ts';

function evaluate(text: string, sourceType: TensorType, tensor: OutputTensor) {
  return evaluateOutput({ ...parseExpression(text), sourceType }, tensor, { rowCount: tensor.dims[0] ?? 1, feeds: {} });
}

/** A float32 tensor [rows, ...inner] of random values, NaN and infinities among them. */
const tensors = fc
  .tuple(fc.integer({ min: 0, max: 5 }), fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }))
  .chain(([rowCount, innerDims]) => {
    const dims = [rowCount, ...innerDims];
    const size = dims.reduce((product, dim) => product * dim, 1);
    const values = fc.array(fc.float(), { minLength: size, maxLength: size });
    return values.map((list) => ({ data: Float32Array.from(list), dims, innerDims, rowCount }));
  });

describe('evaluateOutput', () => {
  it('gives the whole output without a copy', () => {
    const data = Float32Array.of(1, 2, 3, 4);
    const chunk = evaluate('y', 'float32', { data, dims: [2, 2] });
    expect(chunk).toEqual({ type: 'float32', data, width: 2, innerDims: [2] });
    expect(chunk.data).toBe(data);
  });

  it.each<[TensorType, OutputTensor['data'], OutputTensor['data']]>([
    ['float32', Float32Array.of(1, 2, 3, 4), Float32Array.of(2, 4)],
    ['float64', Float64Array.of(1, 2, 3, 4), Float64Array.of(2, 4)],
    ['int8', Int8Array.of(1, 2, 3, 4), Int8Array.of(2, 4)],
    ['uint16', Uint16Array.of(1, 2, 3, 4), Uint16Array.of(2, 4)],
    ['int64', BigInt64Array.of(1n, 2n, 3n, 4n), BigInt64Array.of(2n, 4n)],
    ['uint64', BigUint64Array.of(1n, 2n, 3n, 4n), BigUint64Array.of(2n, 4n)],
    ['bool', Uint8Array.of(1, 0, 0, 1), Uint8Array.of(0, 1)],
    ['string', ['a', 'b', 'c', 'd'], ['b', 'd']],
    ['float16', Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400), Float32Array.of(2, 4)],
  ])('keeps the array type of %s when it indexes', (type, data, expected) => {
    expect(evaluate('y[1]', type, { data, dims: [2, 2] })).toEqual({ type, data: expected, width: 1, innerDims: [] });
  });

  it.skipIf(!('Float16Array' in globalThis))('takes float16 as Float16Array too', () => {
    const chunk = evaluate('max(y)', 'float16', { data: Float16Array.of(1, 2, 4, 3), dims: [2, 2] });
    expect(chunk).toEqual({ type: 'float16', data: Float32Array.of(2, 4), width: 1, innerDims: [] });
  });

  it('indexes any tensor as a naive loop does', () => {
    const picks = tensors.chain((tensor) =>
      fc
        .integer({ min: 0, max: tensor.innerDims.length })
        .chain((depth) => fc.tuple(...tensor.innerDims.slice(0, depth).map((dim) => fc.nat(dim - 1))))
        .map((indices) => ({ ...tensor, indices })),
    );
    fc.assert(
      fc.property(picks, ({ data, dims, innerDims, rowCount, indices }) => {
        const chunk = evaluate(`y${indices.map((i) => `[${i}]`).join('')}`, 'float32', { data, dims });
        let rows = Array.from({ length: rowCount }, (_, row) => {
          const width = data.length / rowCount;
          return [...data.subarray(row * width, (row + 1) * width)];
        });
        for (const [depth, i] of indices.entries()) {
          rows = rows.map((values) => {
            const size = values.length / (innerDims[depth] ?? 1);
            return values.slice(i * size, (i + 1) * size);
          });
        }
        expect([...chunk.data]).toEqual(rows.flat());
        expect(chunk.innerDims).toEqual(innerDims.slice(indices.length));
        expect(chunk.width * rowCount).toBe(chunk.data.length);
      }),
    );
  });

  it('reduces the last dimension as a naive loop does: first of equals, first NaN', () => {
    fc.assert(
      fc.property(tensors, ({ data, dims, innerDims }) => {
        const size = innerDims.at(-1) ?? 1;
        const blocks = Array.from({ length: data.length / size }, (_, i) => [
          ...data.subarray(i * size, (i + 1) * size),
        ]);
        const places = blocks.map((values) => {
          const nan = values.findIndex(Number.isNaN);
          return nan >= 0 ? nan : values.indexOf(Math.max(...values));
        });
        const argmax = evaluate('argmax(y)', 'float32', { data, dims });
        expect(argmax).toMatchObject({ type: 'int64', innerDims: innerDims.slice(0, -1) });
        expect(argmax.data).toEqual(BigInt64Array.from(places.map(BigInt)));
        const max = evaluate('max(y)', 'float32', { data, dims });
        expect(max.data).toEqual(Float32Array.from(blocks.map((values, i) => values[places[i] ?? 0] ?? 0)));
      }),
    );
  });

  it.each<[TensorType, OutputTensor['data'], bigint]>([
    ['int64', BigInt64Array.of(-5n, 3n, 3n), 1n],
    ['uint8', Uint8Array.of(1, 255, 7), 1n],
    ['float16', Uint16Array.of(0xbc00, 0x3c00, 0x4000), 2n],
    ['float32', Float32Array.of(Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, -1), 2n],
  ])('finds the argmax of %s', (type, data, place) => {
    expect(evaluate('argmax(y)', type, { data, dims: [1, 3] }).data).toEqual(BigInt64Array.of(place));
  });

  it('computes softmax without overflow, in the precision of its input', () => {
    const single = evaluate('softmax(y)', 'float32', { data: Float32Array.of(1000, 1001, 1000, 1001), dims: [2, 2] });
    expect(single.type).toBe('float32');
    const high = 1 / (1 + Math.exp(-1));
    expect(single.data).toEqual(Float32Array.of(1 - high, high, 1 - high, high));
    const double = evaluate('softmax(y)[1]', 'float64', { data: Float64Array.of(-1e308, 0), dims: [1, 2] });
    expect(double).toEqual({ type: 'float64', data: Float64Array.of(1), width: 1, innerDims: [] });
    const half = evaluate('softmax(y)', 'float16', { data: Uint16Array.of(0x3c00, 0x3c00), dims: [1, 2] });
    expect(half).toMatchObject({ type: 'float32', data: Float32Array.of(0.5, 0.5) });
  });

  it('does not change the tensor', () => {
    const data = Float32Array.of(1, 2);
    evaluate('softmax(y)', 'float32', { data, dims: [1, 2] });
    expect(data).toEqual(Float32Array.of(1, 2));
  });

  it('takes a scalar for a batch of one row, and an empty batch', () => {
    expect(evaluate('y', 'float32', { data: Float32Array.of(7), dims: [] }).width).toBe(1);
    expect(evaluate('argmax(y)', 'float32', { data: new Float32Array(0), dims: [0, 3] }).data).toHaveLength(0);
  });

  it.each([
    ['y', [2, 3], 6, 3, /output y has shape \[2, 3\] for a batch of 3 rows/],
    ['y', [], 1, 2, /shape \[\] for a batch of 2 rows/],
    ['y', [3, 2], 5, 3, /shape \[3, 2\]/],
    ['y[2]', [3, 2], 6, 3, /y\[2\] does not exist: output y has shape \[3, 2\]/],
    ['y[0]', [3], 3, 3, /y\[0\] does not exist/],
    ['argmax(y)', [3], 3, 3, /argmax\(y\) does not exist/],
    ['max(y[0])', [3, 2], 6, 3, /max\(y\[0\]\) does not exist/],
    ['max(y)', [3, 0], 0, 3, /max\(y\) does not exist/],
  ])('refuses %s of shape %j', (text, dims, length, rowCount, message) => {
    const column = { ...parseExpression(text), sourceType: 'float32' } as const;
    const action = () => evaluateOutput(column, { data: new Float32Array(length), dims }, { rowCount, feeds: {} });
    expect(action).toThrow(message);
    expect(action).toThrow(expect.objectContaining({ code: 'MODEL_OUTPUT_MISMATCH' }));
  });
});

describe('expressions that nest', () => {
  const hidden = {
    // Two rows of three positions of two values.
    data: Float32Array.of(3, 4, 100, 100, 3, 4, 0, 0, 0, 5, 0, 7),
    dims: [2, 3, 2],
  };
  const feeds = {
    attention_mask: { type: 'int64', data: BigInt64Array.of(1n, 0n, 1n, 0n, 1n, 1n), dims: [2, 3] },
    other: { type: 'float32', data: Float32Array.of(0, 1, 0, 1, 0, 0), dims: [2, 3] },
    short: { type: 'int64', data: BigInt64Array.of(1n, 0n, 1n, 0n), dims: [2, 2] },
  } as const;
  const labels = { 'l.json': { 0: 'cat', 1: 'dog' } };
  const values = (text: string, tensor: OutputTensor = hidden, sourceType: TensorType = 'float32') =>
    evaluateOutput({ ...parseExpression(text), sourceType, labels }, tensor, { rowCount: tensor.dims[0] ?? 1, feeds });

  it.each<[string, TensorType, ArrayLike<unknown>, readonly number[]]>([
    ['meanPool(y)', 'float32', Float32Array.of(3, 4, 0, 6), [2]],
    ['normalize(meanPool(y))', 'float32', Float32Array.of(0.6, 0.8, 0, 1), [2]],
    ['meanPool(y, other)', 'float32', Float32Array.of(100, 100, 0, 0), [2]],
    ['cls(y)', 'float32', Float32Array.of(3, 4, 0, 0), [2]],
    ['normalize(cls(y))', 'float32', Float32Array.of(0.6, 0.8, 0, 0), [2]],
    ['max(y)', 'float32', Float32Array.of(4, 100, 4, 0, 5, 7), [3]],
    ['argmax(max(y))', 'int64', BigInt64Array.of(1n, 2n), []],
    ['threshold(cls(y), 3.5)', 'bool', Uint8Array.of(0, 1, 0, 0), [2]],
    ['topk(max(y), 2)', 'int64', BigInt64Array.of(1n, 0n, 2n, 1n), [2]],
    ['topk(max(y), 2)[1]', 'int64', BigInt64Array.of(0n, 1n), []],
    ['topkValues(max(y), 2)', 'float32', Float32Array.of(100, 4, 7, 5), [2]],
    ['label(argmax(cls(y)), l.json)', 'string', ['dog', 'cat'], []],
    ['label(threshold(meanPool(y), 4), l.json)', 'string', ['cat', 'dog', 'cat', 'dog'], [2]],
    ['label(topk(y[0], 2), l.json)', 'string', ['dog', 'cat', 'cat', 'dog'], [2]],
    ['round(softmax(cls(y))[1], 2)', 'float32', Float32Array.of(0.73, 0.5), []],
  ])('%s', (text, type, data, innerDims) => {
    const chunk = values(text);
    expect(chunk).toEqual({ type, data, innerDims, width: innerDims.reduce((product, dim) => product * dim, 1) });
  });

  it('leave the tensor as it was', () => {
    const before = hidden.data.slice();
    for (const text of ['sigmoid(y)', 'normalize(y)', 'round(y[0])', 'normalize(cls(y))', 'sigmoid(round(y, 1))'])
      values(text);
    expect(hidden.data).toEqual(before);
    const one = { data: Float32Array.of(2, 3), dims: [2, 1] };
    values('sigmoid(y[0])', one);
    expect(one.data).toEqual(Float32Array.of(2, 3));
  });

  it('keep a double, and compute half precision as float32', () => {
    const double = { data: Float64Array.of(1 / 3, 2 / 3), dims: [1, 2] };
    expect(values('round(sigmoid(y), 12)', double, 'float64')).toMatchObject({
      type: 'float64',
      data: Float64Array.of(0.582570206462, 0.660756368766),
    });
    const half = { data: Uint16Array.of(0x4200, 0x4400), dims: [1, 2] };
    expect(values('normalize(y)', half, 'float16')).toMatchObject({
      type: 'float32',
      data: Float32Array.of(0.6, 0.8),
    });
  });

  it('take a float32 that prints like the threshold for one that is not below it', () => {
    const tensor = { data: Float32Array.of(0.7, 0.69999), dims: [2] };
    expect(values('threshold(y, 0.7)', tensor).data).toEqual(Uint8Array.of(1, 0));
  });

  it.each([
    ['argmax(y)', [Number.NaN, 1], 'y is NaN'],
    ['topk(softmax(y), 1)', [1, Number.NaN], 'softmax(y) is NaN'],
    ['threshold(y, 0)', [1, Number.NEGATIVE_INFINITY], 'y is -Infinity'],
    ['threshold(y[1], 0)', [Number.NaN, Number.NaN], 'y[1] is NaN'],
    ['label(argmax(y), l.json)', [Number.NaN, 1], 'y is NaN'],
  ])('tell of a row in which %s hides no number', (text, row, message) => {
    const tensor = { data: Float32Array.of(0, 1, ...row, 1, 0), dims: [3, 2] };
    expect(values(text, tensor).rejects).toEqual([{ row: 1, code: 'NON_FINITE', message }]);
  });

  it('let infinities compete, as they do where a class is masked', () => {
    const tensor = { data: Float32Array.of(Number.NEGATIVE_INFINITY, 1), dims: [1, 2] };
    expect(values('argmax(y)', tensor).rejects).toBeUndefined();
    expect(values('topk(y, 2)', tensor).rejects).toBeUndefined();
  });

  it('tell of a row whose index has no label, once', () => {
    const tensor = { data: BigInt64Array.of(0n, 1n, -1n, 2n ** 60n, 1n, 0n), dims: [3, 2] };
    const chunk = values('label(y, l.json)', tensor, 'int64');
    expect(chunk.data).toEqual(['cat', 'dog', '', '', 'dog', 'cat']);
    expect(chunk.rejects).toEqual([{ row: 1, code: 'NO_LABEL', message: 'y is -1, which l.json does not name' }]);
  });

  it.each([
    ['cls(y)', [2, 3], /cls\(y\) does not exist: output y has shape \[2, 3\]/],
    ['meanPool(y)', [2, 3], /meanPool\(y\) does not exist/],
    ['meanPool(y)', [2, 2, 2], /meanPool\(y\) .* shape \[2, 2, 2\]; the mask attention_mask has shape \[2, 3\]/],
    ['meanPool(y, short)', [2, 3, 2], /the mask short has shape \[2, 2\]/],
    ['topk(y, 4)', [2, 3], /topk\(y, 4\) does not exist/],
    ['normalize(y)', [2], /normalize\(y\) does not exist/],
  ])('refuse %s of shape %j', (text, dims, message) => {
    const data = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
    expect(() => values(text, { data, dims })).toThrow(message);
  });
});
