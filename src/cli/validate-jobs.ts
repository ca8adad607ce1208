import { AppError, exitCodeOf } from '../core/errors.ts';
import { inputWarnings } from '../plan/input-warnings.ts';
import type { JobCache } from '../run/caches.ts';
import { validateJob } from '../run/plan-job.ts';
import type { LoadedSpec } from '../spec/load-spec.ts';
import { cacheText } from './cache-text.ts';
import { checkOutputs, chooseJobs, jobRequest } from './choose-jobs.ts';
import { newPorts } from './context.ts';
import { dateJobs } from './date-jobs.ts';
import { Interruption } from './interruption.ts';
import type { Io } from './io.ts';
import { openSpec, type SpecRequest } from './open-spec.ts';
import { errorRecord, errorText, firstFailure } from './show-error.ts';

/** What was found out about one job. */
interface Verdict {
  readonly job: string;
  /** None when it may run. */
  readonly error: unknown;
  readonly warnings: readonly string[];
  readonly cache: JobCache | undefined;
}

/** Checks every job and tells of all; the exit code is that of the first that is wrong. */
export async function validateJobs(io: Io, request: SpecRequest): Promise<number> {
  const isJson = request.flags.json === true;
  const spec = await openWhole(io, request);
  if (typeof spec === 'number') return spec;
  const ports = newPorts();
  const jobs = dateJobs(ports, chooseJobs(spec, request.names), {});
  checkOutputs(spec, jobs);
  using interruption = new Interruption();
  const { signal } = interruption;
  const verdicts: Verdict[] = [];
  for (const dated of jobs) {
    const { job } = dated;
    const { error, warnings, cache } = await validateJob(ports, { ...jobRequest(spec, dated), signal }).then(
      ({ plan, cache: used }) => ({ error: undefined, warnings: inputWarnings(plan, job.execution), cache: used }),
      (thrown: unknown) => ({ error: firstFailure(thrown), warnings: [], cache: undefined }),
    );
    signal.throwIfAborted();
    if (error !== undefined && !(error instanceof AppError)) throw error;
    verdicts.push({ job: job.name, error, warnings, cache });
    if (isJson) continue;
    if (error === undefined) io.out(`${io.paintOut('green', 'ok')} ${job.name}\n`);
    else io.err(errorText(error, io.paintErr));
    if (cache !== undefined) io.out(`   ${job.name}: cache ${cacheText(cache, process.cwd())}\n`);
    for (const text of warnings) io.out(`${io.paintOut('yellow', 'warn')} ${job.name}: ${text}\n`);
  }
  if (isJson) io.out(`${JSON.stringify({ v: 1, spec: spec.path, jobs: verdicts.map(verdictRecord) }, null, 2)}\n`);
  const first = verdicts.find(({ error }) => error !== undefined);
  return first === undefined ? 0 : exitCodeOf(first.error);
}

/** A spec with several mistakes is told of all of them, not of the first and a number. */
async function openWhole(io: Io, request: SpecRequest): Promise<LoadedSpec | number> {
  try {
    return await openSpec(request);
  } catch (error) {
    const problems = error instanceof AppError ? problemsOf(error) : [];
    if (problems.length < 2 || request.flags.json === true) throw error;
    for (const problem of problems) io.err(errorText(problem, io.paintErr));
    return exitCodeOf(error);
  }
}

function problemsOf({ code, details }: AppError): readonly AppError[] {
  const problems: unknown = details['problems'];
  if (!Array.isArray(problems)) return [];
  return problems.flatMap((problem: unknown) => {
    if (typeof problem !== 'object' || problem === null || !('message' in problem && 'hint' in problem)) return [];
    return [new AppError(code, String(problem.message), { hint: String(problem.hint) })];
  });
}

function verdictRecord({ job, error, warnings, cache }: Verdict): Record<string, unknown> {
  return error === undefined
    ? { job, ok: true, warnings, cache }
    : { job, ok: false, error: errorRecord(error), warnings };
}
