import { AppError } from '../core/errors.ts';
import type { TunedKey } from '../plan/tune-grid.ts';
import type { DatedJob } from '../run/date-job.ts';
import { changesTo, type Tuned, type TuneOptions, tuneJob } from '../run/tune-job.ts';
import type { LoadedSpec } from '../spec/load-spec.ts';
import { chooseJobs, jobRequest } from './choose-jobs.ts';
import { newPorts } from './context.ts';
import { dateJobs } from './date-jobs.ts';
import { Interruption } from './interruption.ts';
import type { Io } from './io.ts';
import { openSpec, type SpecRequest } from './open-spec.ts';
import { parseDuration } from './parse-duration.ts';
import { parseCount } from './parse-when.ts';
import { newTuneProgress } from './tune-progress.ts';
import { tuneJson, tuneText } from './tune-text.ts';
import { lineDiff, type SpecChange, specChange, writeSpecChange } from './tune-write.ts';

export interface TuneFlags {
  readonly rows: string;
  readonly budget: string;
  readonly only?: readonly TunedKey[];
  readonly write?: boolean;
  readonly dryRun?: boolean;
  readonly set?: readonly string[];
  readonly date?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Measures settings of one job, and shows or writes what is better. @returns the exit code */
export async function tune(io: Io, request: SpecRequest<TuneFlags>): Promise<number> {
  const { flags } = request;
  const budgetMs = parseDuration('--budget', flags.budget);
  const rows: TuneOptions['rows'] = flags.rows === 'auto' ? 'auto' : parseCount('--rows', flags.rows);
  for (const [option, value] of [
    ['--budget', budgetMs],
    ['--rows', rows],
  ] as const)
    if (value === 0) throw new AppError('USAGE', `${option} 0: leaves nothing to measure`, { hint: 'write more' });
  const spec = await openSpec(request);
  const ports = newPorts();
  const dated = onlyJob(spec, dateJobs(ports, chooseJobs(spec, request.names), flags));
  using interruption = new Interruption({ hint: 'nothing was changed, and what was measured is gone' });
  const { signal } = interruption;
  const asked = { ...jobRequest(spec, dated), rows, budgetMs, only: flags.only, signal };
  const tuned = await (async (): Promise<Tuned> => {
    using progress = newTuneProgress(io, { isQuiet: flags.quiet === true || flags.json === true });
    for await (const event of tuneJob(ports, asked)) {
      if (event.type === 'tuned') return event;
      progress.see(event);
    }
    throw new Error('tuning ended without a result');
  })();
  const change = await changeOf(spec, { job: dated.job.name, flags, tuned });
  if (change !== undefined && flags.dryRun !== true) await writeSpecChange(change);
  const shown = { job: dated.job.name, tuned, change, isWritten: change !== undefined && flags.dryRun !== true };
  if (flags.json === true) io.out(tuneJson(shown));
  else {
    io.out(tuneText(shown, io.paintOut));
    if (change !== undefined && flags.dryRun === true) io.out(`\n${lineDiff(change)}`);
  }
  return 0;
}

async function changeOf(
  spec: LoadedSpec,
  { job, flags, tuned }: { readonly job: string; readonly flags: TuneFlags; readonly tuned: Tuned },
): Promise<SpecChange | undefined> {
  const changes = changesTo(tuned.found.best.setting, tuned.found.present.setting);
  const isAsked = flags.write === true || flags.dryRun === true;
  return isAsked && Object.keys(changes).length > 0 ? specChange(spec.path, job, changes) : undefined;
}

/** @throws AppError USAGE */
function onlyJob(spec: LoadedSpec, jobs: readonly DatedJob[]): DatedJob {
  const [first, ...others] = jobs;
  if (first !== undefined && others.length === 0) return first;
  throw new AppError('USAGE', `one job is tuned at a time, and ${spec.path} has ${jobs.length}`, {
    hint: `name the job: ${jobs.map(({ job }) => job.name).join(', ')}`,
  });
}
