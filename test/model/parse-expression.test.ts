import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { type OutputStep, outputExpressionText, plainFunctions } from '../../src/model/output-step.ts';
import { parseExpression } from '../../src/model/parse-expression.ts';

function errorOf(action: () => unknown): AppError {
  try {
    action();
  } catch (error) {
    if (error instanceof AppError && error.code === 'MODEL_OUTPUT_MISMATCH') return error;
    throw error;
  }
  throw new Error('expected MODEL_OUTPUT_MISMATCH');
}

const index = (place: number): OutputStep => ({ type: 'index', index: place });

describe('parseExpression', () => {
  it.each<[string, string, readonly OutputStep[]]>([
    ['probability', 'probability', []],
    ['probability[1]', 'probability', [index(1)]],
    [' scores [ 0 ] [ 12 ] ', 'scores', [index(0), index(12)]],
    ['argmax(scores)', 'scores', [{ type: 'argmax' }]],
    ['max(scores)', 'scores', [{ type: 'max' }]],
    ['softmax( scores )', 'scores', [{ type: 'softmax' }]],
    ['softmax(scores)[1]', 'scores', [{ type: 'softmax' }, index(1)]],
    ['argmax(scores[2])', 'scores', [index(2), { type: 'argmax' }]],
    ['StatefulPartitionedCall:0', 'StatefulPartitionedCall:0', []],
    ['/head/Gemm-out.1[3]', '/head/Gemm-out.1', [index(3)]],
    ['max', 'max', []],
    ['softmax[0]', 'softmax', [index(0)]],
    ['495', '495', []],
    ['"a name(1)"[0]', 'a name(1)', [index(0)]],
    ['sigmoid(x)', 'x', [{ type: 'sigmoid' }]],
    ['round(x)', 'x', [{ type: 'round', digits: 0 }]],
    ['round( x , 3 )', 'x', [{ type: 'round', digits: 3 }]],
    ['round(softmax(x)[1], 4)', 'x', [{ type: 'softmax' }, index(1), { type: 'round', digits: 4 }]],
    ['threshold(x, -.5e1)', 'x', [{ type: 'threshold', least: -5 }]],
    ['threshold(x,-0)', 'x', [{ type: 'threshold', least: 0 }]],
    ['topk(x, 3)[0]', 'x', [{ type: 'topk', count: 3 }, index(0)]],
    ['topkValues(x,1)', 'x', [{ type: 'topkValues', count: 1 }]],
    ['label(argmax(x), ../a/b-c.json)', 'x', [{ type: 'argmax' }, { type: 'label', file: '../a/b-c.json' }]],
    ['label(x, "my labels (1).json")', 'x', [{ type: 'label', file: 'my labels (1).json' }]],
    ['normalize(meanPool(x))', 'x', [{ type: 'meanPool', mask: 'attention_mask' }, { type: 'normalize' }]],
    ['meanPool(x, "input:mask,0")', 'x', [{ type: 'meanPool', mask: 'input:mask,0' }]],
    ['cls(x)', 'x', [{ type: 'cls' }]],
    ['a,b', 'a,b', []],
    ['max("a,b")', 'a,b', [{ type: 'max' }]],
    ['argmax("say \\"no\\" \\\\")', 'say "no" \\', [{ type: 'argmax' }]],
  ])('reads %s', (text, source, steps) => {
    expect(parseExpression(text)).toMatchObject({ source, steps, text });
  });

  it.each([
    ['', 1, /expected the name of an output, found the end/],
    ['scores[', 8, /expected a zero-based index, found the end/],
    ['scores[-1]', 8, /expected a zero-based index, found "-1\]"/],
    ['scores[1.5]', 9, /expected a "\]", found "\.5\]"/],
    ['scores[x]', 8, /expected a zero-based index/],
    ['scores[0', 9, /expected a "\]"/],
    ['scores]', 7, /expected a "\[" or the end/],
    ['scores other', 8, /expected a "\[" or the end, found "other"/],
    ['argmax()', 8, /expected the name of an output/],
    ['argmax(scores', 14, /expected a "\)", found the end/],
    ['mean(scores)', 1, /expected the name of a function before a "\(", found "mean\(scores\)"/],
    ['max(mean(scores))', 5, /expected the name of a function/],
    ['argmax(scores, 2)', 14, /expected a "\)", found ", 2\)"/],
    ['topk(scores)', 12, /expected a "," and how many, from 1 on, found "\)"/],
    ['topk(scores, 0)', 14, /expected how many, from 1 on, found "0\)"/],
    ['topk(scores, 1.5)', 14, /expected how many/],
    ['topk(scores, x)', 14, /expected how many/],
    ['round(scores, 16)', 15, /expected a number of decimals from 0 to 15/],
    ['round(scores, -1)', 15, /expected a number of decimals/],
    ['round(scores, )', 15, /expected a number of decimals/],
    ['round(scores, 1, 2)', 16, /expected a "\)", found ", 2\)"/],
    ['threshold(scores)', 17, /expected a "," and the least number that is true/],
    ['threshold(scores, 0.5x)', 19, /expected the least number that is true, found "0\.5x\)"/],
    ['threshold(scores, 1e999)', 19, /expected the least number/],
    ['label(scores)', 13, /expected a "," and the path of a JSON file of texts/],
    ['label(scores, )', 15, /expected the path/],
    ['meanPool(scores, )', 18, /expected the input of the model that is the mask/],
    ['meanPool(scores, a b)', 20, /expected a "\)", found "b\)"/],
    [`${'max('.repeat(65)}x${')'.repeat(65)}`, 257, /expected at most 64 functions in one another/],
    ['"scores', 1, /expected a name between double quotes/],
    ['""', 1, /expected a name between double quotes/],
    ['scores[12345678901]', 8, /expected a zero-based index/],
  ])('points at the character of %s that is wrong', (text, character, message) => {
    const error = errorOf(() => parseExpression(text));
    expect(error.message).toContain(`output expression ${JSON.stringify(text)}, character ${character}:`);
    expect(error.message).toMatch(message);
    expect(error.details['position']).toBe(character - 1);
  });

  it('reads back whatever expression is written', () => {
    const anyName = fc.string({ minLength: 1, unit: 'binary' });
    const step = fc.oneof(
      fc.nat(999).map(index),
      fc.constantFrom(...plainFunctions).map((type): OutputStep => ({ type })),
      fc.nat(15).map((digits): OutputStep => ({ type: 'round', digits })),
      fc
        .double({ noNaN: true, noDefaultInfinity: true })
        .map((least): OutputStep => ({ type: 'threshold', least: least + 0 })),
      fc.integer({ min: 1 }).map((count): OutputStep => ({ type: 'topk', count })),
      fc.integer({ min: 1 }).map((count): OutputStep => ({ type: 'topkValues', count })),
      anyName.map((file): OutputStep => ({ type: 'label', file })),
      fc.oneof(anyName, fc.constant('attention_mask')).map((mask): OutputStep => ({ type: 'meanPool', mask })),
    );
    const expression = fc.record({ source: anyName, steps: fc.array(step) });
    fc.assert(
      fc.property(expression, (value) => {
        const { source, steps } = parseExpression(outputExpressionText(value));
        expect({ source, steps }).toEqual(value);
      }),
    );
  });

  it.each([
    ['normalise(x)', 'did you mean normalize?'],
    ['soft_max(x)', 'did you mean softmax?'],
    ['meanpool(x)', 'did you mean meanPool?'],
    ['topvalues(x, 2)', 'did you mean topkValues?'],
  ])('names the function that %s probably means, and all that there are', (text, hint) => {
    const error = errorOf(() => parseExpression(text));
    expect(error.hint).toContain(`${hint} the functions are argmax, max, softmax, sigmoid, normalize, cls, round, `);
  });

  it('shows by an example how a function is written', () => {
    expect(errorOf(() => parseExpression('topk(x)')).hint).toBe('write for example topk(x, 3)');
    expect(errorOf(() => parseExpression('argmax(a,b)')).hint).toMatch(/a name that has a comma goes in double quotes/);
    expect(errorOf(() => parseExpression('')).hint).toMatch(/name\[0\], or argmax\(x\), .*meanPool\(x\)$/);
  });

  it('knows where each step and its argument are', () => {
    expect(parseExpression(' round( y [ 12 ], 3)')).toMatchObject({
      sourceAt: 8,
      stepsAt: [
        { at: 12, argumentAt: 12 },
        { at: 1, argumentAt: 18 },
      ],
    });
  });

  it('reads any text or says where it is wrong', () => {
    const piece = fc.constantFrom('max', 'topk', 'label', 'y', '(', ')', '[', ']', ',', '"', '\\', '1', '-', ' ', '.5');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const text = pieces.join('');
        try {
          parseExpression(text);
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          expect(error.details['position']).toBeLessThanOrEqual(text.length);
        }
      }),
    );
  });
});
