import { type OutputStep, plainFunctions, usualMask } from './output-step.ts';

/** A function of output expressions: its first argument is a value, and there may be one more. */
export interface OutputFunction {
  readonly name: string;
  /** How it is written. */
  readonly usage: string;
  readonly second: SecondArgument | undefined;
  /** The step, if the argument is one that can be: undefined asks for the step without it. */
  readonly stepOf: (argument: number | string | undefined) => OutputStep | undefined;
}

export interface SecondArgument {
  readonly kind: 'number' | 'text';
  /** In the words of a message: "expected …". */
  readonly expected: string;
}

const mostDigits = 15;

const withArgument: readonly OutputFunction[] = [
  {
    name: 'round',
    usage: 'round(x, 3)',
    second: { kind: 'number', expected: `a number of decimals from 0 to ${mostDigits}` },
    stepOf: (digits = 0) =>
      isWhole(digits) && digits >= 0 && digits <= mostDigits ? { type: 'round', digits } : undefined,
  },
  {
    name: 'threshold',
    usage: 'threshold(x, 0.5)',
    second: { kind: 'number', expected: 'the least number that is true' },
    stepOf: (least) => (typeof least === 'number' ? { type: 'threshold', least } : undefined),
  },
  {
    name: 'topk',
    usage: 'topk(x, 3)',
    second: { kind: 'number', expected: 'how many, from 1 on' },
    stepOf: (count) => (isWhole(count) && count > 0 ? { type: 'topk', count } : undefined),
  },
  {
    name: 'topkValues',
    usage: 'topkValues(x, 3)',
    second: { kind: 'number', expected: 'how many, from 1 on' },
    stepOf: (count) => (isWhole(count) && count > 0 ? { type: 'topkValues', count } : undefined),
  },
  {
    name: 'label',
    usage: 'label(argmax(x), labels.json)',
    second: { kind: 'text', expected: 'the path of a JSON file of texts' },
    stepOf: (file) => (typeof file === 'string' ? { type: 'label', file } : undefined),
  },
  {
    name: 'meanPool',
    usage: 'meanPool(x)',
    second: { kind: 'text', expected: 'the input of the model that is the mask' },
    stepOf: (mask = usualMask) => (typeof mask === 'string' ? { type: 'meanPool', mask } : undefined),
  },
];

export const outputFunctions: readonly OutputFunction[] = [
  ...plainFunctions.map((name): OutputFunction => {
    return { name, usage: `${name}(x)`, second: undefined, stepOf: () => ({ type: name }) };
  }),
  ...withArgument,
];

function isWhole(value: number | string | undefined): value is number {
  return Number.isSafeInteger(value);
}
