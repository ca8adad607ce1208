import { z } from 'zod';
import { autoOrWholeNumber, closedMap, duration, field, oneOf, size } from './fields.ts';

const deviceError = 'is not auto, all, cpu, a GPU like cuda:0, or a list of devices';
const device = z.string({ error: deviceError }).regex(/^(cpu|cuda:\d+)$/, { error: deviceError });

export const executionSchema = closedMap({
  devices: field(
    z
      .union(
        [
          z.enum(['auto', 'all', 'cpu']),
          device,
          z.array(device, { error: deviceError }).min(1, { error: deviceError }),
        ],
        {
          error: deviceError,
        },
      )
      .refine((devices) => typeof devices === 'string' || new Set(devices).size === devices.length, {
        error: 'names a device twice',
        params: { hint: 'name each device once; workersPerDevice puts several workers on it' },
      })
      .transform((devices) => {
        if (devices === 'auto' || devices === 'all') return devices;
        return typeof devices === 'string' ? [devices] : devices;
      })
      .prefault('auto'),
    'Where sessions run: auto (GPUs if there are any, else CPU), all, cpu, cuda:0, or a list.',
    ['cuda:0', 'cuda:1'],
  ),
  workersPerDevice: field(autoOrWholeNumber(1).default('auto'), 'Worker processes on each device.', 2),
  intraOpThreads: field(autoOrWholeNumber(1).default('auto'), 'Threads of ONNX Runtime in each worker.', 1),
  batchSize: field(
    autoOrWholeNumber(1, 1_000_000).default('auto'),
    'Rows of one session call; auto measures it when a worker warms up.',
    256,
  ),
  batchTokens: field(
    autoOrWholeNumber(1, 10_000_000).default('auto'),
    'Tokens of one session call with their padding, where rows are texts; auto measures it as batchSize.',
    16_384,
  ),
  shardRows: field(
    autoOrWholeNumber(1).default('auto'),
    'Rows of one shard, the unit of checkpoint and retry.',
    250_000,
  ),
  readAhead: field(autoOrWholeNumber(0, 8).default('auto'), 'Batches that are read while the session computes.', 2),
  graphOptimization: field(
    oneOf(['all', 'extended', 'basic', 'off']).default('all'),
    'How much ONNX Runtime rewrites the graph when it loads the model; the last bits of predictions may depend on it.',
    'extended',
  ),
  optimizedModelCache: field(
    z.boolean({ error: 'is not true or false' }).default(false),
    'Keep the graph that ONNX Runtime makes of the model, so that later workers load it as it is.',
    true,
  ),
  warmup: field(
    autoOrWholeNumber(0, 100).default('auto'),
    'Batches that each worker scores before its first shard; with auto only measuring batchSize warms a worker.',
    1,
  ),
  profile: field(
    z.boolean({ error: 'is not true or false' }).default(false),
    "Keep ONNX Runtime's own profile of the first shard of each worker in the run's folder.",
    true,
  ),
  fallback: field(
    oneOf(['fail', 'cpu']).default('fail'),
    'What to do when a device cannot be used: fail, or go on with the CPU.',
    'cpu',
  ),
  maxWorkerMemory: field(size().optional(), 'A worker that grows beyond this size is replaced.', '2GB'),
  batchTimeout: field(
    duration({ seconds: 1 }).prefault('10m'),
    'A worker whose batch takes longer is killed, and its shard tried again.',
    '30s',
  ),
}).transform(({ maxWorkerMemory, batchTimeout, ...rest }) => {
  const limit: { maxWorkerMemoryBytes?: number } =
    maxWorkerMemory === undefined ? {} : { maxWorkerMemoryBytes: maxWorkerMemory };
  return { ...rest, batchTimeoutMs: batchTimeout, ...limit };
});
