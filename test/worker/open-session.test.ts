import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { messageOf } from '../../src/core/errors.ts';
import { newElementArray } from '../../src/dataset/element-array.ts';
import type { TensorSignature } from '../../src/model/contract.ts';
import { newModelReader } from '../../src/model/reader.ts';
import { type FedTensor, type GraphOptimization, Session } from '../../src/model/session.ts';
import { exposeZipMaps } from '../../src/model/zip-map.ts';
import { root, temporaryFolder } from '../e2e/nightshift.ts';

// What spins does so for hours: it is there for deadlines.
const models = globSync(join(root, 'fixtures/models/**/*.onnx'))
  .filter((path) => !path.endsWith('/spins.onnx'))
  .sort();
const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());

/** Values that any input can take: small whole numbers, which differ. */
function fed({ type, shape }: TensorSignature): FedTensor {
  const dims = shape.map((dim, at) => (typeof dim === 'number' ? dim : at === 0 ? 3 : 5));
  const data = newElementArray(
    type,
    dims.reduce((product, dim) => product * dim, 1),
  );
  for (let at = 0; at < data.length; at++) {
    const value = (at * 7) % 5;
    if (Array.isArray(data)) data[at] = String(value);
    else if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[at] = BigInt(value);
    else data[at] = type === 'float32' || type === 'float64' ? value / 3 : type === 'bool' ? value % 2 : value;
  }
  return { type, data, dims };
}

async function answersOf(session: Session, feeds: Readonly<Record<string, FedTensor>>): Promise<unknown> {
  try {
    return await session.run(feeds);
  } catch (error) {
    return messageOf(error);
  }
}

describe('a model as ONNX Runtime has optimised it', () => {
  it.each(models.map((path) => relative(root, path)))('predicts the same, bit for bit: %s', async (name) => {
    const path = join(root, name);
    const { facts } = await newModelReader().read(path);
    const { inputs, outputs } = facts.signature;
    const model = facts.unzippedOutputs.length === 0 ? path : exposeZipMaps(await readFile(path)).bytes;
    const tensors = [...inputs, ...outputs].flatMap((value) => (value.kind === 'tensor' ? [value] : []));
    const fetched = outputs.flatMap((output) => (output.kind === 'tensor' ? [output.name] : []));
    const feeds = Object.fromEntries(tensors.slice(0, inputs.length).map((input) => [input.name, fed(input)]));
    const options = { name, provider: 'cpu', intraOpThreads: 1, outputs: fetched } as const;
    for (const level of [undefined, 'extended', 'basic'] satisfies (GraphOptimization | undefined)[]) {
      const optimizedModelPath = join(folder.path, `${level}-${name.replaceAll('/', '-')}`);
      await using plain = await Session.open({ ...options, model, graphOptimization: level, optimizedModelPath });
      await using kept = await Session.open({ ...options, model: optimizedModelPath, graphOptimization: 'off' });
      const wanted = await answersOf(plain, feeds);
      expect(await answersOf(kept, feeds)).toEqual(wanted);
    }
  });
});
