import { join } from 'node:path';
import { readIfPresent, writeFileAtomic } from '../core/files.ts';
import { differInInput } from '../plan/fingerprint.ts';
import { partName, runLayout } from '../plan/layout.ts';
import { auditFolder, readChecks, stagedParts, writeChecks } from './audit.ts';
import { commitPart, takeOverInputRejects } from './commit-part.ts';
import type { Manifest, OutputStore, StoredRun, WantedRun } from './contract.ts';
import { findAbandoned, findLeftovers, removeLeftovers } from './leftovers.ts';
import { OutputLock } from './lock.ts';
import { lockChange } from './lock-change.ts';
import { readManifest, readPublished } from './manifest.ts';
import { checkOutputFolder, publishRun, removeMovedParts } from './publish.ts';
import { finishRollback, previousVersion, rollback } from './rollback.ts';
import {
  createRunFolders,
  readBatch,
  readCommits,
  readRun,
  removeRun,
  requested,
  resumable,
  unfinishedRuns,
  validCommits,
  writeBatch,
  writePlan,
} from './run-store.ts';
import { earlierRuns, findTakeovers, takeOver } from './take-over.ts';
import { publishedVersions } from './versions.ts';

/** Runs kept beside the parts that they publish, in plain files. */
export function newOutputStore(): OutputStore {
  return {
    lock: (outputFolder, since) => OutputLock.take(outputFolder, since),
    lockChange,
    readManifest,
    readPublished,
    check: checkOutputFolder,
    findResumable: async (outputFolder, wanted, previous) => {
      const runs: StoredRun[] = [];
      for (const run of await unfinishedRuns(outputFolder, publishedIds(previous)))
        if (!(await isEmptyOther(outputFolder, run, wanted))) runs.push(run);
      return resumable(runs, wanted);
    },
    discardEmpty: async (outputFolder, wanted, previous) => {
      for (const run of await unfinishedRuns(outputFolder, publishedIds(previous)))
        if (await isEmptyOther(outputFolder, run, wanted)) await removeRun(outputFolder, run.runId);
    },
    readCommits,
    findRequested: async (outputFolder, wanted, previous) =>
      requested(await unfinishedRuns(outputFolder, publishedIds(previous)), wanted),
    discardOthers: async (outputFolder, { runId, plan }, previous) => {
      for (const run of await unfinishedRuns(outputFolder, publishedIds(previous))) {
        if (run.runId === runId || run.plan.job !== plan.job) continue;
        if (differInInput(run.plan.identity, plan.identity)) await discard(outputFolder, run, previous);
      }
    },
    earlierRuns,
    findTakeovers,
    takeOver,
    discardUnfinished: async (outputFolder, job, previous) => {
      for (const run of await unfinishedRuns(outputFolder, publishedIds(previous)))
        if (run.plan.job === job) await discard(outputFolder, run, previous);
    },
    create: createRunFolders,
    writePlan: (outputFolder, { runId, plan }) => writePlan(outputFolder, runId, plan),
    readRun,
    commit: commitPart,
    takeOverInputRejects,
    readJob: (outputFolder, runId) => readIfPresent(join(outputFolder, runLayout(runId).job)),
    writeJob: (outputFolder, runId, text) => writeFileAtomic(join(outputFolder, runLayout(runId).job), text),
    validCommits: (outputFolder, { runId, plan }, { mode, previous }) => {
      const first = mode === 'append' ? (previous?.parts.length ?? 0) : 0;
      return validCommits({
        outputFolder,
        runId,
        publishedName: (commit) => partName(first + commit.shard, plan.part),
      });
    },
    versions: publishedVersions,
    previousVersion,
    rollback,
    finishRollback,
    findLeftovers,
    findAbandoned,
    removeLeftovers,
    readBatch,
    writeBatch,
    findUnfinished: (outputFolder, previous) => unfinishedRuns(outputFolder, publishedIds(previous)),
    stagedParts,
    auditFolder,
    readChecks,
    writeChecks,
    publish: publishRun,
    remove: removeRun,
  };
}

async function discard(outputFolder: string, run: StoredRun, previous: Manifest | undefined): Promise<void> {
  await removeMovedParts(outputFolder, run.plan, previous);
  await removeRun(outputFolder, run.runId);
}

async function isEmptyOther(outputFolder: string, { runId, plan }: StoredRun, wanted: WantedRun): Promise<boolean> {
  if (plan.job !== wanted.job || plan.fingerprint === wanted.fingerprint) return false;
  return (await readCommits(outputFolder, runId)).size === 0;
}

function publishedIds(
  manifest: { readonly runs: readonly { readonly runId: string }[] } | undefined,
): readonly string[] {
  return manifest?.runs.map((run) => run.runId) ?? [];
}
