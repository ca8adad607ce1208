import { type JobSpec, usualSettings } from '../spec/job-spec.ts';
import { parseStoredJob } from '../spec/written-job.ts';
import type { Ports } from './ports.ts';

/** How a run's job was executed; the usual where an earlier version kept no job. */
export async function readSettings(
  { store }: Pick<Ports, 'store'>,
  outputFolder: string,
  runId: string,
): Promise<Pick<JobSpec, 'execution' | 'retry'>> {
  const text = await store.readJob(outputFolder, runId);
  return (text === undefined ? undefined : parseStoredJob(text)) ?? usualSettings;
}
