import type { ColumnSchema, InputFile } from '../../src/dataset/contract.ts';
import type { ModelFacts, ValueSignature } from '../../src/model/contract.ts';
import type { PlanInput } from '../../src/plan/plan-input.ts';
import { parseSpec } from '../../src/spec/load-spec.ts';

export interface PlanCase {
  /** What a job says beside its model and input. */
  readonly job?: Readonly<Record<string, unknown>>;
  /** Name → DuckDB type. */
  readonly columns?: Readonly<Record<string, string>>;
  readonly listShapes?: Readonly<Record<string, readonly number[]>>;
  readonly inputs?: readonly ValueSignature[];
  readonly outputs?: readonly ValueSignature[];
  readonly files?: readonly InputFile[];
}

export function planInput(options: PlanCase = {}): PlanInput {
  const { columns = { a: 'FLOAT', b: 'FLOAT' }, files = [fileOf([10])], listShapes = {} } = options;
  const job = { model: 'm.onnx', input: 'in.parquet', output: 'out', ...options.job };
  const [parsed] = parseSpec({ text: JSON.stringify({ version: 1, jobs: { job } }), path: 'jobs.yaml', env: {} }).jobs;
  if (parsed === undefined) throw new Error('the spec has no job');
  return {
    job: parsed,
    locate: (path) => path.join('.'),
    dataset: {
      format: 'parquet',
      files,
      columns: Object.entries(columns).map(([name, type]) => column(name, type)),
      rowCount: files.reduce((sum, file) => sum + file.rowCount, 0),
      hasPartitions: false,
    },
    listShapes: new Map(Object.entries(listShapes)),
    cut: undefined,
    rejectedLines: 0,
    model: { path: '/m.onnx', sha256: 'abc', sizeBytes: 1000, facts: facts(options) },
  };
}

function column(name: string, type: string): ColumnSchema {
  return { name, type, widened: false, origin: 'file', nullCount: 0 };
}

export function tensor(name: string, type: Tensor['type'], shape: Tensor['shape']): ValueSignature {
  return { kind: 'tensor', name, type, shape };
}
type Tensor = Extract<ValueSignature, { kind: 'tensor' }>;

/** A file with row groups of these many rows. */
export function fileOf(groups: readonly number[], name = 'in'): InputFile {
  let rowStart = 0;
  const rowGroups = groups.map((rowCount) => {
    const group = { rowStart, rowCount };
    rowStart += rowCount;
    return group;
  });
  const path = `/data/${name}.parquet`;
  return { path, source: path, rowCount: rowStart, sizeBytes: 100, mtimeMs: 1, rowGroups };
}

function facts({ inputs, outputs }: PlanCase): ModelFacts {
  return {
    irVersion: 8,
    opsets: [],
    producer: '',
    metadata: {},
    externalData: [],
    signature: {
      inputs: inputs ?? [tensor('x', 'float32', ['N', 2])],
      outputs: outputs ?? [tensor('y', 'float32', ['N', 2])],
    },
    unzippedOutputs: [],
  };
}
