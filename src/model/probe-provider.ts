import { createRequire } from 'node:module';
import { delimited, graphField, joined, modelField, nodeField, textField, varintField } from './onnx-wire.ts';
import { providersUsed } from './providers-used.ts';
import { type Provider, Session } from './session.ts';

/**
 * Loads an execution provider and runs one node on it.
 * @returns the providers that ran it
 * @throws AppError PROVIDER_UNAVAILABLE
 */
export async function probeProvider(provider: Provider): Promise<readonly string[]> {
  const options = { model: tinyModel(), name: 'a tiny model', intraOpThreads: 1, outputs: ['y'] };
  await using session = await Session.open({ ...options, provider });
  await session.run({ x: { type: 'float32', data: Float32Array.of(1), dims: [1] } });
  const feature = { input: 'x', columns: [], element: 'float32', innerShape: [], nulls: 'reject' } as const;
  return providersUsed(options, provider, { features: [feature] });
}

/** The script of the onnxruntime-node package that fetches its GPU libraries. */
export function gpuInstaller(): string {
  return createRequire(import.meta.url).resolve('onnxruntime-node/script/install.js');
}

/** `y = -x`, float32 [1]: the least that a session cannot optimise away. */
function tinyModel(): Uint8Array {
  const dimension = delimited(1, [varintField(1, 1)]);
  const tensor = delimited(1, [varintField(1, 1), ...delimited(2, dimension)]);
  const value = (name: string) => [textField(1, name), ...delimited(2, tensor)];
  const node = [textField(nodeField.input, 'x'), textField(nodeField.output, 'y'), textField(nodeField.opType, 'Neg')];
  const graph = [
    ...delimited(graphField.node, node),
    textField(2, 'tiny'),
    ...delimited(graphField.input, value('x')),
    ...delimited(graphField.output, value('y')),
  ];
  return joined([
    varintField(modelField.irVersion, 8),
    ...delimited(modelField.graph, graph),
    ...delimited(modelField.opset, [varintField(2, 13)]),
  ]);
}
