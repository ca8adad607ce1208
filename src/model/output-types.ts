import { assertNever } from '../core/errors.ts';
import type { ModelSignature, TensorType } from './contract.ts';
import { hasKnownRank, unknownRankShape } from './onnx-type.ts';
import { nameText, type OutputStep } from './output-step.ts';

/** Type and shape of one row's value, on its way through the steps of an expression. */
export interface Declared {
  readonly type: TensorType;
  /** Dimensions as the model declares them; strings are free, `['...']` is an unknown rank. */
  readonly innerShape: readonly (number | string)[];
}

/** Why a step cannot be done. */
export interface Misfit {
  /** Follows the text of the step's operand. */
  readonly problem: string;
  readonly hint?: string;
  /** It is the second argument that does not fit. */
  readonly isArgument?: true;
}

type Shape = Declared['innerShape'];

/** What a step makes of a value, or why it cannot: what each function takes and gives. */
export function declaredAfter(step: OutputStep, value: Declared, signature: ModelSignature): Declared | Misfit {
  const misfit = rankMisfit(step, value.innerShape) ?? typeMisfit(step, value.type);
  if (misfit !== undefined) return misfit;
  const { type, innerShape } = value;
  switch (step.type) {
    case 'index':
      return afterIndex(step.index, value);
    case 'argmax':
      return { type: 'int64', innerShape: withoutLast(innerShape) };
    case 'max':
      return { type, innerShape: withoutLast(innerShape) };
    case 'topk':
    case 'topkValues':
      return afterTopk(step, value);
    case 'softmax':
    case 'sigmoid':
    case 'normalize':
    case 'round':
      return { type: computedType(type), innerShape };
    case 'threshold':
      return { type: 'bool', innerShape };
    case 'label':
      return { type: 'string', innerShape };
    case 'cls':
      return { type, innerShape: known(innerShape, (shape) => shape.slice(1)) };
    case 'meanPool':
      return (
        maskMisfit(step.mask, innerShape, signature) ?? {
          type: computedType(type),
          innerShape: known(innerShape, (shape) => shape.slice(1)),
        }
      );
    default:
      return assertNever(step);
  }
}

/** Of what is computed from floats: a double stays one. */
export function computedType(type: TensorType): TensorType {
  return type === 'float64' ? 'float64' : 'float32';
}

function stepName(step: OutputStep): string {
  return step.type === 'index' ? `[${step.index}]` : step.type;
}

function known(shape: Shape, change: (shape: Shape) => Shape): Shape {
  return hasKnownRank(shape) ? change(shape) : unknownRankShape;
}

function withoutLast(shape: Shape): Shape {
  return known(shape, (dims) => dims.slice(0, -1));
}

function afterIndex(index: number, { type, innerShape }: Declared): Declared | Misfit {
  const [size] = innerShape;
  if (typeof size === 'number' && index >= size)
    return { problem: `has ${size} elements a row, counted from 0, so there is no [${index}]` };
  return { type, innerShape: known(innerShape, (shape) => shape.slice(1)) };
}

function afterTopk(
  step: Extract<OutputStep, { readonly type: 'topk' | 'topkValues' }>,
  { type, innerShape }: Declared,
): Declared | Misfit {
  const size = innerShape.at(-1);
  if (typeof size === 'number' && step.count > size)
    return { problem: `has ${size} elements, so there are no greatest ${step.count}`, isArgument: true };
  return {
    type: step.type === 'topk' ? 'int64' : type,
    innerShape: known(innerShape, (shape) => [...shape.slice(0, -1), step.count]),
  };
}

function rankMisfit(step: OutputStep, innerShape: Shape): Misfit | undefined {
  if (!hasKnownRank(innerShape)) return undefined;
  const rank = innerShape.length;
  switch (step.type) {
    case 'sigmoid':
    case 'round':
    case 'threshold':
    case 'label':
      return undefined;
    case 'cls':
    case 'meanPool': {
      if (step.type === 'cls' ? rank >= 2 : rank === 2) return undefined;
      const shape = rank === 0 ? 'one value' : `[${innerShape.map((size) => (size === '' ? '?' : size)).join(', ')}]`;
      return { problem: `has ${shape} a row, and ${step.type} needs [positions, values]` };
    }
    default:
      if (rank > 0) return undefined;
      return { problem: `has one value a row, so ${stepName(step)} has nothing to work on` };
  }
}

function typeMisfit(step: OutputStep, type: TensorType): Misfit | undefined {
  switch (step.type) {
    case 'index':
    case 'cls':
      return undefined;
    case 'argmax':
    case 'max':
    case 'topk':
    case 'topkValues':
      return type === 'string' ? { problem: `holds strings, which have no ${step.type}` } : undefined;
    case 'threshold':
      if (type !== 'string' && type !== 'bool') return undefined;
      return { problem: `holds ${type}, and threshold needs numbers` };
    case 'label': {
      if (/^(u?int|bool)/.test(type)) return undefined;
      const problem = `holds ${type}, and label needs whole numbers`;
      return type === 'string' ? { problem } : { problem, hint: 'take label(argmax(…), …) of scores' };
    }
    default:
      if (type.startsWith('float')) return undefined;
      return { problem: `holds ${type}, and ${step.type} needs floating-point numbers` };
  }
}

function maskMisfit(mask: string, innerShape: Shape, { inputs }: ModelSignature): Misfit | undefined {
  const input = inputs.find(({ name }) => name === mask);
  const names = inputs.map(({ name }) => nameText(name)).join(', ');
  const hint = `name the input that is the mask, meanPool(…, NAME); the model's inputs: ${names || 'none'}`;
  if (input === undefined)
    return { problem: `cannot be pooled: the model has no input ${nameText(mask)} for a mask`, hint, isArgument: true };
  if (input.kind !== 'tensor' || input.type === 'string')
    return { problem: `cannot be pooled: the mask ${nameText(mask)} holds ${input.type}`, hint, isArgument: true };
  if (!hasKnownRank(input.shape)) return undefined;
  const [size] = innerShape;
  const [, maskSize] = input.shape;
  const differs = typeof size === 'number' && typeof maskSize === 'number' && size !== maskSize;
  if (input.shape.length === 2 && !differs) return undefined;
  const shape = input.shape.map((dim) => (dim === '' ? '?' : dim)).join(', ');
  const problem = `has [${innerShape.map((dim) => (dim === '' ? '?' : dim)).join(', ')}] a row, which the mask ${nameText(mask)} [${shape}] does not fit`;
  return { problem, hint, isArgument: true };
}
