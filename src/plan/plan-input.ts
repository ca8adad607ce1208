import type { DatasetFacts } from '../dataset/contract.ts';
import type { ModelFacts, TokenizerFile } from '../model/contract.ts';
import type { Labels } from '../model/output-expression.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import type { PlaceInText, SpecPath } from '../spec/location.ts';
import type { Shard } from './run-plan.ts';

/** Rows of `files[file]` from `rowEnd` (exclusive) on, and all later files, are left out: input.limit. */
export interface RowCut {
  readonly file: number;
  readonly rowEnd: number;
}

/** `file:line:col jobs.<job>.<path>`, for messages about the spec; `within` a text, if that is how the spec has it. */
export type Locate = (path: SpecPath, within?: PlaceInText) => string;

export interface PlanInput {
  readonly job: JobSpec;
  readonly locate: Locate;
  readonly logicalDate?: string | undefined;
  readonly dataset: DatasetFacts;
  /** Shape of the first value of list columns, outermost first: `[64]`, `[8, 8]`. */
  readonly listShapes: ReadonlyMap<string, readonly number[]>;
  readonly cut: RowCut | undefined;
  /** Cuts as another run of the same input did. */
  readonly shards?: readonly Shard[] | undefined;
  /** Files of labels that output columns name; undefined where they name none. */
  readonly labels?: Labels | undefined;
  /** SHA-256 of input files by their source. */
  readonly digests?: ReadonlyMap<string, string> | undefined;
  /** Versions of what decodes images, where the job has any. */
  readonly imageDecoder?: string | undefined;
  /** Lines that could not be parsed when the input was staged. */
  readonly rejectedLines: number;
  /** File, line and reason of the first of them. */
  readonly firstRejectedLine?: string | undefined;
  /** Of the job's texts, by the names of their features. */
  readonly tokenizers?: ReadonlyMap<string, TokenizerFile> | undefined;
  readonly model: {
    readonly path: string;
    readonly sha256: string;
    readonly sizeBytes: number;
    readonly facts: ModelFacts;
  };
}
