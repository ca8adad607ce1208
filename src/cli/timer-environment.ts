import { AppError } from '../core/errors.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import { type LoadSpecOptions, loadSpec } from '../spec/load-spec.ts';
import { missingVariables } from '../spec/problems.ts';

type Env = LoadSpecOptions['env'];

/** Of an environment, what a job's timer has. */
export function timerEnvironment({ schedule }: Pick<JobSpec, 'schedule'>, env: Env): Env {
  const names = ['HOME', 'PATH', ...(schedule?.service.environment ?? [])];
  return Object.fromEntries(names.map((name) => [name, env[name]]));
}

/**
 * A variable of the shell that installs a timer is not one of the timer.
 * @throws AppError USAGE where the spec, all of it, cannot be read with what the timer will have
 */
export async function checkTimerEnvironment(
  path: string,
  { job, environment }: { readonly job: string; readonly environment: Env },
): Promise<void> {
  try {
    await loadSpec({ path, env: environment });
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    const missing = missingVariables(cause);
    const what =
      missing.length === 0
        ? `the timer of ${job} has another environment than this shell, in which ${cause.message}`
        : `the timer of ${job} would not have ${missing.join(', ')}, which the spec needs: ${cause.message}`;
    const names = missing.length === 0 ? 'what the spec needs' : missing.join(', ');
    const hint = `name ${names} in the job's schedule.service.environment, as in \`service: { environment: [${missing.join(', ') || 'NAME'}] }\``;
    throw new AppError('USAGE', what, { hint, cause, details: { job, missing } });
  }
}
