import type { ElementArray, ElementType } from './contract.ts';

/** An array for `length` values; float16 is held as float32, and rounded where tensors are made. */
export function newElementArray(element: ElementType, length: number): ElementArray {
  switch (element) {
    case 'float16':
    case 'float32':
      return new Float32Array(length);
    case 'float64':
      return new Float64Array(length);
    case 'uint16':
      return new Uint16Array(length);
    case 'int8':
      return new Int8Array(length);
    case 'int16':
      return new Int16Array(length);
    case 'int32':
      return new Int32Array(length);
    case 'int64':
      return new BigInt64Array(length);
    case 'uint8':
    case 'bool':
      return new Uint8Array(length);
    case 'uint32':
      return new Uint32Array(length);
    case 'uint64':
      return new BigUint64Array(length);
    case 'string':
      return new Array<string>(length).fill('');
  }
}

type Numbers = Exclude<ElementArray, string[]>;

/** An array for `length` values of the type that another has. */
export function sameKindOf(values: Numbers, length: number): Numbers;
export function sameKindOf(values: ElementArray, length: number): ElementArray;
export function sameKindOf(values: ElementArray, length: number): ElementArray {
  return Array.isArray(values) ? newElementArray('string', length) : Reflect.construct(values.constructor, [length]);
}

/** Values `[start, end)`; numbers share the array's memory. */
export function elementsBetween(values: ElementArray, start: number, end: number): ElementArray {
  return Array.isArray(values) ? values.slice(start, end) : values.subarray(start, end);
}
