import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { newPorts } from '../../src/cli/context.ts';
import { runLayout } from '../../src/plan/layout.ts';
import { openJob, prepareJob } from '../../src/run/prepare-job.ts';
import { parseSpec } from '../../src/spec/load-spec.ts';
import { protocolVersion } from '../../src/worker/protocol.ts';
import { openScorer } from '../../src/worker/scorer.ts';
import { type Job, temporaryFolder } from '../e2e/nightshift.ts';

/** A folder with the places that a run `r1` into `out` writes to. */
export async function runFolder(): ReturnType<typeof temporaryFolder> {
  const folder = await temporaryFolder();
  const layout = runLayout('r1');
  for (const name of [layout.staging, layout.commits, layout.rejects])
    await mkdir(join(folder.path, 'out', name), { recursive: true });
  return folder;
}

/** A scorer as a worker opens it, and the job's first shard. */
export async function openedScorer(
  folder: string,
  job: Job,
  { prefetch = true }: { readonly prefetch?: boolean } = {},
) {
  const text = JSON.stringify({ version: 1, jobs: { job } });
  const [parsed] = parseSpec({ text, path: join(folder, 'jobs.yaml'), env: {} }).jobs;
  if (parsed === undefined) throw new Error('the spec has no job');
  const ports = newPorts();
  const prepared = await prepareJob(ports, { job: parsed, baseDir: folder, locate: (path) => path.join('.') });
  const { plan } = await openJob(ports, prepared, { stagingFolder: folder, rejectsPath: join(folder, 'r') });
  const scorer = await openScorer({
    type: 'start',
    protocol: protocolVersion,
    plan,
    outputFolder: join(folder, 'out'),
    runId: 'r1',
    provider: 'cpu',
    fallback: 'fail',
    intraOpThreads: 1,
    prefetch,
    warmupBatches: 0,
    profile: false,
  });
  const [shard] = plan.shards;
  if (shard === undefined) throw new Error('there is no shard');
  return { scorer, shard };
}
