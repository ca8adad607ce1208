import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256OfFile } from '../../src/core/files.ts';
import { flightsJob } from '../cli/flights-job.ts';
import { TensorProto_DataLocation, TensorProtoSchema } from '../model/onnx_pb.ts';
import { elementType, modelBytes, node, tensorInfo } from '../model/tiny-model.ts';
import { type Event, type Job, makeParquet, root, runJob, temporaryFolder } from './nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

const inState = (...names: string[]) => join(folder.path, 'state', ...names);
const job: Job = {
  ...flightsJob,
  execution: { workersPerDevice: 2, shardRows: 2500, batchSize: 100, optimizedModelCache: true },
};

function run(of: Job, args: readonly string[] = []) {
  return runJob(folder.path, of, ['--state-dir', 'state', ...args]);
}

function usesIn(events: readonly Event[]): readonly unknown[] {
  return events.flatMap((event) => (event.type === 'worker-ready' ? [event['optimizedModel']] : []));
}

const warningsIn = (events: readonly Event[]) => events.filter(({ type }) => type === 'warning');

async function parts(): Promise<readonly string[]> {
  const names = (await readdir(join(folder.path, 'out'))).filter((name) => name.startsWith('part-')).sort();
  return Promise.all(names.map((name) => sha256OfFile(join(folder.path, 'out', name))));
}

describe('execution.optimizedModelCache', () => {
  it.each(['late-flights.onnx', 'late-flights-zipmap.onnx'])(
    'optimises %s once, for the runs that follow, and changes no byte of the output',
    async (name) => {
      const isZip = name.includes('zipmap');
      const named = { ...job, model: join(root, 'fixtures/models', name), ...(isZip ? sklearn : {}) };
      expect(await run(named, ['--set', 'execution.optimizedModelCache=false'])).toMatchObject({ exitCode: 0 });
      const before = await parts();
      const first = await run(named);
      expect(usesIn(first.events).filter((use) => use === 'kept')).toHaveLength(1);
      expect(await parts()).toEqual(before);
      const second = await run(named);
      expect(new Set(usesIn(second.events))).toEqual(new Set(['loaded']));
      expect(await parts()).toEqual(before);
      expect(warningsIn([...first.events, ...second.events])).toEqual([]);
    },
  );

  it('makes one again that is damaged', async () => {
    await run(job);
    const [key = ''] = await readdir(inState('models'));
    const model = inState('models', key, 'model.onnx');
    const whole = await readFile(model);
    await writeFile(model, whole.with(100, (whole[100] ?? 0) ^ 1));
    const { events } = await run(job);
    expect(usesIn(events)).toContain('kept');
    expect(await readFile(model)).toEqual(whole);
  });

  it('warns, once, where none can be kept, and scores all the same', async () => {
    await mkdir(inState(), { recursive: true });
    await writeFile(inState('models'), 'a file');
    const { exitCode, events } = await run(job);
    expect(exitCode).toBe(0);
    expect(warningsIn(events)).toMatchObject([{ code: 'CACHE_UNAVAILABLE', message: /the run goes on without it/ }]);
    expect(events.at(-1)).toMatchObject({ type: 'run-published', rows: { rejected: 0 } });
  });

  it('warns, once, where something else cannot be removed, and keeps the model', async () => {
    await mkdir(inState('models', 'aaa', 'lock'), { recursive: true });
    const { exitCode, events } = await run(job);
    expect(exitCode).toBe(0);
    expect(usesIn(events)).toContain('kept');
    expect(warningsIn(events)).toMatchObject([
      { code: 'CACHE_UNAVAILABLE', message: expect.stringContaining(`cannot remove ${inState('models', 'aaa')}`) },
    ]);
    expect(usesIn((await run(job)).events)).toContain('loaded');
  });

  it('leaves models with external data files alone, and says so', async () => {
    await writeFile(join(folder.path, 'weights.bin'), Buffer.from(new Float32Array([2, 3]).buffer));
    await writeFile(join(folder.path, 'apart.onnx'), modelWithWeightsIn('weights.bin'));
    await makeParquet(join(folder.path, 'in.parquet'), 'SELECT i::FLOAT AS a, i::FLOAT AS b FROM range(10) t(i)');
    const { exitCode, events } = await run({
      ...{ model: 'apart.onnx', input: 'in.parquet', features: { x: ['a', 'b'] }, output: 'out' },
      execution: { optimizedModelCache: true },
    });
    expect(exitCode).toBe(0);
    expect(warningsIn(events)).toMatchObject([{ message: /external data files, as this one has in weights\.bin/ }]);
    expect(usesIn(events)).toEqual([undefined]);
  });
});

/** Its inputs are the columns, one by one. */
const sklearn = { features: undefined, errors: { maxRejected: '100%' } };

function modelWithWeightsIn(location: string): Uint8Array {
  const initializer = create(TensorProtoSchema, {
    ...{ name: 'w', dims: [2n], dataType: elementType.FLOAT, dataLocation: TensorProto_DataLocation.EXTERNAL },
    externalData: Object.entries({ location, offset: '0', length: '8' }).map(([key, value]) => ({ key, value })),
  });
  return modelBytes({
    node: [node('Mul', ['x', 'w'], ['y'])],
    input: [tensorInfo('x', elementType.FLOAT, ['N', 2])],
    output: [tensorInfo('y', elementType.FLOAT, ['N', 2])],
    initializer: [initializer],
  });
}
