import { exitCodeOf } from '../core/errors.ts';
import { type JobPlan, planJob } from '../run/plan-job.ts';
import { checkOutputs, chooseJobs, jobRequest } from './choose-jobs.ts';
import { newPorts } from './context.ts';
import { type DateFlags, dateJobs } from './date-jobs.ts';
import { Interruption } from './interruption.ts';
import type { Io } from './io.ts';
import { openSpec, type SpecRequest } from './open-spec.ts';
import { planRecord } from './plan-json.ts';
import { planText } from './plan-text.ts';
import { errorText } from './show-error.ts';
import type { SpecFlags } from './spec-options.ts';
import { warnOfZone } from './warn-of-zone.ts';

export interface PlanFlags extends SpecFlags, DateFlags {
  readonly restart?: boolean;
  readonly verbose?: boolean;
}

/** Prints what runs of the jobs would do; ends as the first run that could not begin would. */
export async function showPlans(io: Io, request: SpecRequest<PlanFlags>): Promise<number> {
  const { flags } = request;
  const spec = await openSpec(request);
  const ports = newPorts();
  const chosen = chooseJobs(spec, request.names);
  warnOfZone(io, chosen);
  const jobs = dateJobs(ports, chosen, flags);
  checkOutputs(spec, jobs);
  using interruption = new Interruption();
  const { signal } = interruption;
  const plans: JobPlan[] = [];
  for (const job of jobs) {
    const plan = await planJob(ports, { ...jobRequest(spec, job), restart: flags.restart === true, signal });
    plans.push(plan);
    if (flags.json === true) continue;
    if (plans.length > 1) io.out('\n');
    const isCut = process.stdout.isTTY === true;
    io.out(planText(plan, { paint: io.paintOut, folder: process.cwd(), isCut, isVerbose: flags.verbose === true }));
  }
  if (flags.json === true)
    io.out(`${JSON.stringify({ v: 1, spec: spec.path, jobs: plans.map(planRecord) }, null, 2)}\n`);
  const refusals = plans.flatMap(({ start }) => (start.state === 'refuse' ? [start.error] : []));
  for (const error of refusals) io.err(errorText(error, io.paintErr));
  return refusals[0] === undefined ? 0 : exitCodeOf(refusals[0]);
}
