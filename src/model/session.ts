import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import { AppError, messageOf } from '../core/errors.ts';
import type { TensorType } from './contract.ts';

/** Of ONNX Runtime; another one may give other bits. */
export const runtimeVersion = env.versions.node ?? env.versions.common;

/** Values as the binding takes and gives them; `float16` is its bits in a Uint16Array. */
export type TensorData = Exclude<ConstructorParameters<typeof Tensor>[0], string | readonly boolean[]>;

export interface FedTensor {
  readonly type: TensorType;
  readonly data: TensorData;
  readonly dims: readonly number[];
}

export interface FetchedTensor {
  readonly data: TensorData;
  readonly dims: readonly number[];
}

export type Provider = 'cpu' | 'cuda';

export type GraphOptimization = 'extended' | 'basic' | 'off';

export interface SessionOptions {
  /** A path, or the bytes of a rewritten model. */
  readonly model: string | Uint8Array;
  /** What messages call the model. */
  readonly name: string;
  readonly provider: Provider;
  readonly intraOpThreads: number;
  /** Everything that it knows, if left out. */
  readonly graphOptimization?: GraphOptimization | undefined;
  /** Outputs to fetch; naming them leaves those that the binding cannot fetch alone. */
  readonly outputs: readonly string[];
  /** When set, ONNX Runtime writes the graph to it that it has made of the model. */
  readonly optimizedModelPath?: string | undefined;
  /** When set, ONNX Runtime writes its profile to `<prefix>_<time>.json`. */
  readonly profilePrefix?: string;
}

usePlainFloat16();

/** One ONNX Runtime session. `run` holds the thread until the batch is done. */
export class Session implements AsyncDisposable {
  readonly #session: InferenceSession;
  readonly #outputs: readonly string[];

  private constructor(session: InferenceSession, outputs: readonly string[]) {
    this.#session = session;
    this.#outputs = outputs;
  }

  /** @throws AppError MODEL_INVALID, PROVIDER_UNAVAILABLE; never falls back to another provider */
  static async open(options: SessionOptions): Promise<Session> {
    const settings: InferenceSession.SessionOptions = {
      executionProviders: [options.provider === 'cuda' ? { name: 'cuda', deviceId: 0 } : 'cpu'],
      intraOpNumThreads: options.intraOpThreads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: options.graphOptimization === 'off' ? 'disabled' : (options.graphOptimization ?? 'all'),
      // LightGBM exports declare a label shape that is not true, and 3 would warn about it on every batch.
      logSeverityLevel: 4,
      ...(options.optimizedModelPath === undefined ? {} : { optimizedModelFilePath: options.optimizedModelPath }),
      ...(options.profilePrefix === undefined
        ? {}
        : { enableProfiling: true, profileFilePrefix: options.profilePrefix }),
    };
    try {
      const session =
        typeof options.model === 'string'
          ? await InferenceSession.create(options.model, settings)
          : await InferenceSession.create(options.model, settings);
      return new Session(session, options.outputs);
    } catch (error) {
      throw openError(error, options);
    }
  }

  /** @throws AppError SESSION_FAILED with ONNX Runtime's own words, OUT_OF_MEMORY */
  async run(feeds: Readonly<Record<string, FedTensor>>): Promise<Readonly<Record<string, FetchedTensor>>> {
    try {
      const tensors = Object.fromEntries(
        Object.entries(feeds).map(([name, { type, data, dims }]) => [name, makeTensor(type, data, dims)]),
      );
      const results = await this.#session.run(tensors, [...this.#outputs]);
      return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, fetched(value)]));
    } catch (error) {
      const message = messageOf(error);
      if (isOutOfMemory(message)) {
        throw new AppError('OUT_OF_MEMORY', `ONNX Runtime found no memory: ${message}`, {
          cause: error,
          hint: 'lower execution.workersPerDevice, or use a device with more memory',
        });
      }
      throw new AppError('SESSION_FAILED', `ONNX Runtime failed: ${message}`, {
        cause: error,
        hint: 'score a few rows with --limit to find the row that the model cannot take',
      });
    }
  }

  endProfiling(): void {
    this.#session.endProfiling();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.release();
  }
}

/** In the words of ONNX Runtime's arenas, of the C++ library, and of CUDA. */
function isOutOfMemory(message: string): boolean {
  return /bad_alloc|failed to allocate memory|out of memory|cudaErrorMemoryAllocation|bfc_?arena/i.test(message);
}

function makeTensor(type: TensorType, data: TensorData, dims: readonly number[]): Tensor {
  // The constructor's overloads tie each type to its array; which one this is, only the run knows.
  return Reflect.construct(Tensor, [type, data, dims]);
}

function fetched(value: unknown): FetchedTensor {
  if (!(value instanceof Tensor)) throw new TypeError('the output is not a tensor');
  const data: TensorData = value.data;
  return { data, dims: value.dims };
}

function openError(error: unknown, options: SessionOptions): AppError {
  const message = messageOf(error);
  const isProvider = options.provider !== 'cpu' && /shared library|provider|cuda|backend/i.test(message);
  if (isProvider) {
    return new AppError(
      'PROVIDER_UNAVAILABLE',
      `the ${options.provider} execution provider cannot be loaded: ${message}`,
      {
        hint: 'see `nightshift doctor` for the libraries it needs, or set execution.devices: cpu (or execution.fallback: cpu)',
        cause: error,
      },
    );
  }
  return new AppError('MODEL_INVALID', `ONNX Runtime cannot load ${options.name}: ${message}`, {
    hint: 'try `nightshift inspect` on the model, or export it with an older opset',
    cause: error,
  });
}

/**
 * Node 24 has Float16Array, which onnxruntime-common then insists on and the native binding cannot read
 * ("not enough space: expected 4, got 0"). It looks once, when the first tensor is made: hide the class until then.
 */
function usePlainFloat16(): void {
  const original = Object.getOwnPropertyDescriptor(globalThis, 'Float16Array');
  if (original === undefined) return;
  Reflect.deleteProperty(globalThis, 'Float16Array');
  new Tensor('float32', new Float32Array(1), [1]);
  Object.defineProperty(globalThis, 'Float16Array', original);
}
