import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { modelFacts } from '../../src/model/onnx-facts.ts';
import { TensorProto_DataLocation } from './onnx_pb.ts';
import { dictionariesInfo, elementType, modelBytes, node, tensorInfo, tensorType } from './tiny-model.ts';

const identity = modelBytes(
  {
    node: [node('Identity', ['x'], ['y'])],
    input: [tensorInfo('x', elementType.FLOAT, ['N', 3])],
    output: [tensorInfo('y', elementType.FLOAT, ['N', 3])],
  },
  { opsetImport: [{ domain: '', version: 17n }] },
);

function invalid(bytes: Uint8Array): AppError {
  try {
    modelFacts(bytes, 'models/late.onnx');
  } catch (error) {
    if (error instanceof AppError && error.code === 'MODEL_INVALID') return error;
    throw error;
  }
  throw new Error('expected MODEL_INVALID');
}

function externalTensor(name: string, location: string) {
  return {
    name,
    dims: [1n],
    dataType: elementType.FLOAT,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [
      { key: 'location', value: location },
      { key: 'offset', value: '0' },
    ],
  };
}

describe('modelFacts', () => {
  it('reads versions, producer and metadata', () => {
    const bytes = modelBytes(
      {},
      { producerName: 'skl2onnx', producerVersion: '1.20', metadataProps: [{ key: 'features', value: 'a,b' }] },
    );
    expect(modelFacts(bytes)).toMatchObject({
      irVersion: 8,
      producer: 'skl2onnx 1.20',
      metadata: { features: 'a,b' },
      opsets: [
        { domain: '', version: 17 },
        { domain: 'ai.onnx.ml', version: 3 },
      ],
      externalData: [],
      unzippedOutputs: [],
    });
  });

  it('leaves out inputs that an initializer fills, dense or sparse', () => {
    const bytes = modelBytes({
      input: ['x', 'w', 's'].map((name) => tensorInfo(name, elementType.FLOAT, [1])),
      initializer: [{ name: 'w', dims: [1n], dataType: elementType.FLOAT, floatData: [1] }],
      sparseInitializer: [
        {
          values: { name: 's', dims: [1n], dataType: elementType.FLOAT, floatData: [1] },
          indices: { dims: [1n], dataType: elementType.INT64, int64Data: [0n] },
          dims: [1n],
        },
      ],
    });
    expect(modelFacts(bytes).signature.inputs.map((input) => input.name)).toEqual(['x']);
  });

  it.each([
    ['FLOAT', 'float32'],
    ['DOUBLE', 'float64'],
    ['FLOAT16', 'float16'],
    ['INT8', 'int8'],
    ['INT16', 'int16'],
    ['INT32', 'int32'],
    ['INT64', 'int64'],
    ['UINT8', 'uint8'],
    ['UINT16', 'uint16'],
    ['UINT32', 'uint32'],
    ['UINT64', 'uint64'],
    ['BOOL', 'bool'],
    ['STRING', 'string'],
  ] as const)('reads a tensor of %s as %s', (onnx, type) => {
    const bytes = modelBytes({ output: [tensorInfo('y', elementType[onnx], ['N'])] });
    expect(modelFacts(bytes).signature.outputs).toEqual([{ kind: 'tensor', name: 'y', type, shape: ['N'] }]);
  });

  it.each([
    ['fixed, named, nameless and empty dimensions', ['N', 3, '', 0], ['N', 3, '', 0]],
    ['a negative dimension as a free one', [-1, 4], ['', 4]],
    ['a scalar', [], []],
    ['an unknown rank', undefined, ['...']],
  ] as const)('reads %s', (_, declared, shape) => {
    const bytes = modelBytes({ output: [tensorInfo('y', elementType.FLOAT, declared)] });
    expect(modelFacts(bytes).signature.outputs[0]).toMatchObject({ shape });
  });

  it.each([
    [dictionariesInfo('y', elementType.INT64), 'seq(map(int64,tensor(float)))'],
    [dictionariesInfo('y', elementType.STRING), 'seq(map(string,tensor(float)))'],
    [tensorInfo('y', elementType.BFLOAT16, ['N']), 'tensor(bfloat16)'],
    [tensorInfo('y', elementType.COMPLEX64, ['N']), 'tensor(complex64)'],
    [tensorInfo('y', elementType.FLOAT8E4M3FN, ['N']), 'tensor(float8e4m3fn)'],
    [tensorInfo('y', elementType.INT4, ['N']), 'tensor(int4)'],
    [tensorInfo('y', 99, ['N']), 'tensor(element type 99)'],
    [
      {
        name: 'y',
        type: { value: { case: 'optionalType', value: { elemType: tensorType(elementType.FLOAT, []) } } },
      } as const,
      'optional(tensor(float))',
    ],
    [
      { name: 'y', type: { value: { case: 'sparseTensorType', value: { elemType: elementType.FLOAT } } } } as const,
      'sparse_tensor(float)',
    ],
    [{ name: 'y' }, 'undeclared'],
  ])('keeps what is no usable tensor as its ONNX type, case %#', (output, type) => {
    expect(modelFacts(modelBytes({ output: [output] })).signature.outputs).toEqual([
      { kind: 'other', name: 'y', type },
    ]);
  });

  it('lists external data files of initializers, attributes, subgraphs and functions, once and sorted', () => {
    const subgraph = { name: 'sub', initializer: [externalTensor('deep', 'c.bin')] };
    const bytes = modelBytes(
      {
        initializer: [externalTensor('a', 'b.bin'), externalTensor('b', 'b.bin')],
        node: [
          node('Constant', [], ['k'], [{ name: 'value', t: externalTensor('k', 'a.bin') }]),
          node('If', ['cond'], ['z'], [{ name: 'then_branch', g: subgraph }]),
        ],
      },
      {
        functions: [
          { name: 'f', node: [node('Constant', [], ['q'], [{ name: 'value', t: externalTensor('q', 'd.bin') }])] },
        ],
      },
    );
    expect(modelFacts(bytes).externalData).toEqual(['a.bin', 'b.bin', 'c.bin', 'd.bin']);
  });
});

describe('bytes that are no ONNX model', () => {
  it.each([
    ['an empty file', '', /empty file/, /again/],
    [
      'a Git LFS pointer',
      'version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 1\n',
      /Git LFS pointer/,
      /git lfs pull/,
    ],
    ['a web page', '\n<!DOCTYPE html><html><body>Not found</body></html>', /HTML/, /address/],
    ['a text file', 'month,hour\n1,2\n', /text file that begins with "month,hour"/, /ONNX/],
    ['an .ort file', '\x1c\x00\x00\x00ORTM\x00\x00', /\.ort/, /\.onnx/],
    ['a PyTorch archive', 'PK\x03\x04\x00\x00', /zip archive/, /ONNX/],
    ['a pickle', '\x80\x04\x95\x00', /pickle/, /ONNX/],
    ['random bytes', '\xff\xfe\x00\x01\x02\xff\xff', /is not an ONNX model/, /size/],
  ])('says that %s is one', (_, latin1, message, hint) => {
    const error = invalid(Buffer.from(latin1, 'latin1'));
    expect(error.message).toMatch(/^models\/late\.onnx /);
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
  });

  it('says where a cut off model ends, wherever it is cut', () => {
    for (let length = 2; length < identity.length; length += 1) {
      expect(invalid(identity.subarray(0, length)).message).toContain(`cut off or damaged after ${length} bytes`);
    }
  });

  it('never throws anything but MODEL_INVALID, whatever byte is damaged', () => {
    fc.assert(
      fc.property(fc.nat(identity.length - 1), fc.integer({ min: 0, max: 255 }), (position, byte) => {
        const damaged = identity.slice();
        damaged[position] = byte;
        try {
          modelFacts(damaged);
        } catch (error) {
          expect(error).toMatchObject({ code: 'MODEL_INVALID' });
        }
      }),
    );
  });
});
