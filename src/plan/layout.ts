import type { RunPlan } from './run-plan.ts';

/** Names of the files of a run, relative to the output folder. Pure: see ARCHITECTURE in src/README.md. */
export const metaFolder = '_nightshift';
export const manifestFile = `${metaFolder}/manifest.json`;
export const successFile = '_SUCCESS';
export const lockFile = `${metaFolder}/lock`;
export const runsFolder = `${metaFolder}/runs`;
export const versionsFolder = `${metaFolder}/versions`;
/** There while a rollback goes on; names the version that it brings back. */
export const rollbackFile = `${metaFolder}/rollback.json`;
export const rollbackFolder = `${metaFolder}/rollback`;

export interface RunLayout {
  readonly folder: string;
  readonly plan: string;
  /** The job as it was resolved. */
  readonly job: string;
  readonly execution: string;
  /** What the run's checks found. */
  readonly checks: string;
  readonly staging: string;
  readonly commits: string;
  readonly rejects: string;
  /** What profiled workers were at. */
  readonly profile: string;
  /** Parquet copies of inputs that cannot be read from the middle. */
  readonly input: string;
}

export function runLayout(runId: string): RunLayout {
  const folder = `${runsFolder}/${runId}`;
  return {
    folder,
    plan: `${folder}/plan.json`,
    job: `${folder}/job.json`,
    execution: `${folder}/execution.json`,
    checks: `${folder}/checks.json`,
    staging: `${folder}/staging`,
    commits: `${folder}/commits`,
    rejects: `${folder}/rejects`,
    profile: `${folder}/profile`,
    input: `${folder}/input`,
  };
}

export interface VersionLayout {
  readonly folder: string;
  /** Written last: without it the folder is no version. */
  readonly manifest: string;
}

/** A version bears the id of the run that published it. */
export function versionLayout(runId: string): VersionLayout {
  const folder = `${versionsFolder}/${runId}`;
  return { folder, manifest: `${folder}/manifest.json` };
}

function partExtension(part: RunPlan['part']): string {
  const suffix =
    part.format === 'parquet' || part.compression === 'none' ? '' : part.compression === 'gzip' ? '.gz' : '.zst';
  return `.${part.format}${suffix}`;
}

export function partName(index: number, part: RunPlan['part']): string {
  return `part-${pad(index)}${partExtension(part)}`;
}

/** Whether a name is one that a published part can have. */
export function isPartName(name: string): boolean {
  return /^part-\d{5,}\.(parquet|csv|jsonl|arrow)(\.(gz|zst))?$/.test(name);
}

/** The name while it is written; the attempt keeps a straggler from touching its successor's file. */
export function partTempName(index: number, attempt: number, part: RunPlan['part']): string {
  return `part-${pad(index)}.a${attempt}.tmp${partExtension(part)}`;
}

export function commitName(index: number): string {
  return `${pad(index)}.json`;
}

/** Rejects of the input itself: lines that could not be parsed. */
export const inputRejectsName = 'rejects-input.parquet';

export function rejectsName(index: number): string {
  return `rejects-${pad(index)}.parquet`;
}

function pad(index: number): string {
  return String(index).padStart(5, '0');
}
