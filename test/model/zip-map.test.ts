import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { exposeZipMaps } from '../../src/model/zip-map.ts';
import {
  dictionariesInfo,
  elementType,
  intsAttribute,
  mlNode,
  modelBytes,
  node,
  stringsAttribute,
  tensorInfo,
} from './tiny-model.ts';

const probabilities = tensorInfo('probabilities', elementType.FLOAT, ['N', 3]);
const intLabels = intsAttribute('classlabels_int64s', [0n, 1n, 2n]);
const zipMap = mlNode('ZipMap', ['probabilities'], ['output_probability'], [intLabels]);

const classifier = modelBytes({
  node: [zipMap],
  input: [probabilities],
  output: [dictionariesInfo('output_probability', elementType.INT64)],
});

async function fetchOutputs(bytes: Uint8Array) {
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const data = Float32Array.of(0.1, 0.2, 0.7, 0.6, 0.3, 0.1);
  const outputs = await session.run({ probabilities: new Tensor('float32', data, [2, 3]) });
  await session.release();
  return { data, outputs };
}

describe('exposeZipMaps', () => {
  it('makes the output the tensor that feeds its ZipMap, which ONNX Runtime then gives', async () => {
    const model = exposeZipMaps(classifier);
    expect(model.unzipped).toEqual(['output_probability']);
    expect(model.facts.unzippedOutputs).toEqual(['output_probability']);
    expect(model.classLabels).toEqual({ output_probability: [0, 1, 2] });
    expect(model.facts.signature.outputs).toEqual([
      { kind: 'tensor', name: 'output_probability', type: 'float32', shape: ['', 3] },
    ]);
    const { data, outputs } = await fetchOutputs(model.bytes);
    expect(outputs['output_probability']).toMatchObject({ dims: [2, 3], data });
  });

  it('follows Identity nodes, and keeps other users of the tensor', async () => {
    const model = exposeZipMaps(
      modelBytes({
        node: [
          mlNode('ZipMap', ['probabilities'], ['zipped'], [stringsAttribute('classlabels_strings', ['no', 'ja', 'ö'])]),
          node('Identity', ['zipped'], ['again']),
          node('Identity', ['again'], ['output_probability']),
          node('Neg', ['probabilities'], ['negative']),
        ],
        input: [probabilities],
        valueInfo: [dictionariesInfo('zipped', elementType.STRING)],
        output: [
          dictionariesInfo('output_probability', elementType.STRING),
          tensorInfo('negative', elementType.FLOAT, ['N', 3]),
        ],
      }),
    );
    expect(model.classLabels).toEqual({ output_probability: ['no', 'ja', 'ö'] });
    const { data, outputs } = await fetchOutputs(model.bytes);
    expect(outputs['output_probability']).toMatchObject({ dims: [2, 3], data });
    expect(outputs['negative']?.data).toEqual(data.map((value) => -value));
  });

  it('exposes each of several ZipMaps, also of one tensor that is an output itself', async () => {
    const model = exposeZipMaps(
      modelBytes({
        node: [
          node('Neg', ['probabilities'], ['shared']),
          mlNode('ZipMap', ['shared'], ['first'], [intLabels]),
          mlNode('ZipMap', ['shared'], ['second'], [intLabels]),
        ],
        input: [probabilities],
        output: [
          dictionariesInfo('first', elementType.INT64),
          tensorInfo('shared', elementType.FLOAT, ['N', 3]),
          dictionariesInfo('second', elementType.INT64),
        ],
      }),
    );
    expect(model.unzipped).toEqual(['first', 'second']);
    const { data, outputs } = await fetchOutputs(model.bytes);
    const negative = data.map((value) => -value);
    for (const name of ['first', 'shared', 'second']) expect(outputs[name]?.data).toEqual(negative);
  });

  it('adds the standard operators to a model that imports ai.onnx.ml alone', async () => {
    const model = exposeZipMaps(
      modelBytes(
        { node: [zipMap], input: [probabilities], output: [dictionariesInfo('output_probability', elementType.INT64)] },
        { opsetImport: [{ domain: 'ai.onnx.ml', version: 1n }] },
      ),
    );
    const { data, outputs } = await fetchOutputs(model.bytes);
    expect(outputs['output_probability']?.data).toEqual(data);
  });

  it('gives class labels that a number cannot hold as digits', () => {
    const labels = [-1n, 9007199254740993n];
    const model = exposeZipMaps(
      modelBytes({
        node: [mlNode('ZipMap', ['p'], ['q'], [intsAttribute('classlabels_int64s', labels)])],
        output: [dictionariesInfo('q', elementType.INT64)],
      }),
    );
    expect(model.classLabels).toEqual({ q: [-1, '9007199254740993'] });
  });

  it('leaves dictionaries alone that another node reads', () => {
    const bytes = modelBytes({
      node: [zipMap, node('SequenceAt', ['output_probability', 'at'], ['one'])],
      output: [dictionariesInfo('output_probability', elementType.INT64)],
    });
    expect(exposeZipMaps(bytes)).toMatchObject({ unzipped: [], facts: { unzippedOutputs: [] } });
    expect(exposeZipMaps(bytes).bytes).toBe(bytes);
  });

  it('gives back the very bytes of a model without ZipMap, whatever its nodes and names', () => {
    const name = fc.string({ minLength: 1 });
    const nodes = fc.array(fc.tuple(fc.constantFrom('Identity', 'Neg', 'ZipMapper'), name, name));
    fc.assert(
      fc.property(nodes, fc.array(name), (triples, outputs) => {
        const bytes = modelBytes({
          node: triples.map(([opType, input, output]) => node(opType, [input], [output])),
          output: outputs.map((output) => dictionariesInfo(output, elementType.INT64)),
        });
        expect(exposeZipMaps(bytes).bytes).toBe(bytes);
      }),
    );
  });
});
