import { basename } from 'node:path';
import { changedFields, inputFiles } from './fingerprint.ts';
import type { RunPlan, Shard } from './run-plan.ts';

/** Whether a run would score a shard, and why. */
export interface ShardFate {
  readonly index: number;
  readonly willRun: boolean;
  readonly reason: string;
}

/** An earlier run of the same job, as far as it came. */
export interface EarlierRun {
  readonly plan: RunPlan;
  /** Shards that have a commit. */
  readonly committed: ReadonlySet<number>;
  /** Those whose part is whole too. */
  readonly valid: ReadonlySet<number>;
  /** `--restart` gives up what it has. */
  readonly isDiscarded: boolean;
}

/** Shards of a plan that would be taken over, with the run that has them. */
export type TakenShards = ReadonlyMap<number, string>;

/** Holds the shards of a plan against an earlier run; without one, nothing is committed. */
export function explainShards(
  plan: RunPlan,
  earlier: EarlierRun | undefined,
  taken?: TakenShards,
): readonly ShardFate[] {
  return fatesOf(plan, earlier, taken !== undefined).map((fate) => {
    const runId = taken?.get(fate.index);
    if (runId === undefined || !fate.willRun) return fate;
    return { ...fate, willRun: false, reason: `done, taken over from run ${runId}` };
  });
}

function fatesOf(plan: RunPlan, earlier: EarlierRun | undefined, isByContent: boolean): readonly ShardFate[] {
  if (earlier === undefined) return plan.shards.map(({ index }) => toRun(index, 'no commit'));
  const changed = changedFields(earlier.plan.identity, plan.identity);
  if (changed.length === 0) return plan.shards.map(({ index }) => fateOf(index, earlier));
  const files = changedFiles(plan, earlier.plan);
  const others = changed.filter((name) => name !== inputFiles);
  return plan.shards.map((shard) =>
    toRun(shard.index, changeText(sourcesOf(plan, shard), { files, others, isByContent })),
  );
}

function toRun(index: number, reason: string): ShardFate {
  return { index, willRun: true, reason };
}

function fateOf(index: number, { committed, valid, isDiscarded }: EarlierRun): ShardFate {
  if (!committed.has(index)) return toRun(index, 'no commit');
  if (isDiscarded) return toRun(index, 'discarded by --restart');
  return valid.has(index)
    ? { index, willRun: false, reason: 'done' }
    : toRun(index, 'part missing or changed (digest differs)');
}

interface Change {
  readonly files: readonly string[];
  readonly others: readonly string[];
  readonly isByContent: boolean;
}

/** The shard's own files are named where they changed; else whatever makes it another run. */
function changeText(sources: readonly string[], { files, others, isByContent }: Change): string {
  const own = sources.filter((source) => files.includes(source));
  if (own.length > 0) return `input changed: ${namesOf(own)}`;
  if (others.length > 0) return `job changed: ${others.join(', ')}`;
  if (isByContent) return 'no part to take over';
  return `input changed: ${files.length === 0 ? 'order of files' : namesOf(files)}`;
}

/** Files that are new, gone, or not what they were. */
function changedFiles(plan: RunPlan, earlier: RunPlan): readonly string[] {
  const before = new Set(earlier.dataset.files.flatMap(keysOf));
  const after = new Set(plan.dataset.files.flatMap(keysOf));
  const isIn = (keys: ReadonlySet<string>) => (file: PlanFile) => keysOf(file).some((key) => keys.has(key));
  const changed = plan.dataset.files.filter((file) => !isIn(before)(file));
  const gone = earlier.dataset.files.filter((file) => !isIn(after)(file));
  return [...new Set([...changed, ...gone].map(({ source }) => source))];
}

type PlanFile = RunPlan['dataset']['files'][number];

function keysOf({ source, sizeBytes, mtimeMs, sha256 }: PlanFile): readonly string[] {
  return [`${source}\n${sizeBytes}\n${mtimeMs}`, ...(sha256 === undefined ? [] : [sha256])];
}

function sourcesOf({ dataset }: RunPlan, { ranges }: Shard): readonly string[] {
  return [...new Set(ranges.flatMap(({ file }) => dataset.files[file]?.source ?? []))];
}

function namesOf(sources: readonly string[]): string {
  const names = sources.slice(0, 3).map((source) => basename(source));
  return `${names.join(', ')}${sources.length > 3 ? `, and ${sources.length - 3} more` : ''}`;
}
