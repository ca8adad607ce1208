import { AppError } from '../core/errors.ts';
import { formatLogicalDate } from '../core/zoned-date.ts';
import { type TickRule, ticks } from '../schedule/cron-ticks.ts';
import { daylightNote } from '../schedule/daylight-note.ts';
import { type Downtime, type SimulatedStep, simulate } from '../schedule/simulate.ts';
import { aligned } from './aligned.ts';
import { chooseJobs } from './choose-jobs.ts';
import type { Paint, Style } from './colour.ts';
import type { Io } from './io.ts';
import { openSpec } from './open-spec.ts';
import { parseDuration } from './parse-duration.ts';
import { dateOption, type ScheduledJob, scheduledJobs } from './scheduled-jobs.ts';
import { jobTitle } from './show-next.ts';
import { warnOfZone } from './warn-of-zone.ts';
import { zonedCell } from './zoned-cells.ts';

export interface SimulateFlags {
  readonly from?: string;
  readonly to?: string;
  readonly duration: string;
  readonly down?: readonly string[];
  readonly set?: readonly string[];
  readonly json?: boolean;
}

export interface SimulationRequest {
  readonly spec: string;
  readonly names: readonly string[];
  readonly flags: SimulateFlags;
}

interface SimulatedJob {
  readonly job: ScheduledJob;
  readonly steps: readonly SimulatedStep[];
  /** Where the listing stopped before the end that was asked for. */
  readonly isCut: boolean;
}

const usualTicks = 10;
const mostSteps = 1000;
const styles: Readonly<Record<string, Style>> = { run: 'green', replace: 'yellow', missed: 'red' };

export async function showSimulation(io: Io, request: SimulationRequest): Promise<number> {
  const { flags } = request;
  const spec = await openSpec(request);
  warnOfZone(io, chooseJobs(spec, request.names));
  const now = Date.now();
  const jobs = scheduledJobs(spec, request.names).map((job) => simulatedJob(job, flags, now));
  if (flags.json === true)
    io.out(`${JSON.stringify({ v: 1, spec: spec.path, jobs: jobs.map(simulationJson) }, undefined, 2)}\n`);
  else for (const simulated of jobs) io.out(simulationText(simulated, io.paintOut));
  return 0;
}

function simulatedJob(job: ScheduledJob, flags: SimulateFlags, nowMs: number): SimulatedJob {
  const durationMs = parseDuration('--duration', flags.duration);
  if (durationMs < 1000)
    throw new AppError('USAGE', `--duration ${flags.duration}: is less than a second`, { hint: 'write 1s or more' });
  const fromMs = flags.from === undefined ? nowMs : dateOption('--from', flags.from, job.rule) - 1;
  const down = (flags.down ?? []).map((written) => downtime(written, job.rule));
  const toMs = flags.to === undefined ? usualEnd(job.rule, fromMs, down) : dateOption('--to', flags.to, job.rule);
  if (toMs <= fromMs)
    throw new AppError('USAGE', `--to ${flags.to}: is not after the beginning`, { hint: 'see --from' });
  const steps: SimulatedStep[] = [];
  for (const step of simulate({ schedule: job.schedule, fromMs, toMs, durationMs, down })) {
    if (steps.length === mostSteps) return { job, steps, isCut: true };
    steps.push(step);
  }
  return { job, steps, isCut: false };
}

/** The tenth tick, and at least the first after the machine was up again. */
function usualEnd(rule: TickRule, fromMs: number, down: readonly Downtime[]): number {
  const lastUp = Math.max(fromMs, ...down.map(({ toMs }) => toMs));
  let [end, seen] = [lastUp, 0];
  for (const tick of ticks(rule, fromMs)) {
    [end, seen] = [tick, seen + 1];
    if (seen >= usualTicks && tick > lastUp) break;
  }
  return end;
}

function downtime(written: string, rule: TickRule): Downtime {
  const [from, to, ...others] = written.split('..');
  if (from === undefined || to === undefined || others.length > 0)
    throw new AppError('USAGE', `--down ${written}: is not a range of dates`, {
      hint: 'write for example `--down 2026-11-23..2026-11-26T08:00`',
    });
  const [fromMs, toMs] = [dateOption('--down', from, rule), dateOption('--down', to, rule)];
  if (fromMs < toMs) return { fromMs, toMs };
  throw new AppError('USAGE', `--down ${written}: ends before it begins`, { hint: 'write the earlier date first' });
}

function simulationJson({ job, steps, isCut }: SimulatedJob): object {
  const { timeZone } = job.rule;
  return {
    job: job.name,
    cron: job.rule.cron,
    onCalendar: job.schedule.onCalendar,
    timeZone,
    cut: isCut,
    steps: steps.map(({ atMs, decisions, more }) => ({
      time: formatLogicalDate(atMs, timeZone),
      more: more === undefined ? undefined : { count: more.count, action: more.action },
      decisions: decisions.map(({ tickMs, logicalDate, action, reason }) => ({
        logicalDate,
        action,
        reason,
        note: daylightNote(job.rule, tickMs)?.text,
      })),
    })),
  };
}

function simulationText({ job, steps, isCut }: SimulatedJob, paint: Paint): string {
  const { timeZone } = job.rule;
  const lines = steps.flatMap(({ atMs, decisions, more }) => {
    const at = zonedCell(atMs, timeZone);
    const rows = decisions.map(({ tickMs, action, reason, logicalDate }, i) => {
      const isRun = action === 'run' || action === 'replace';
      const note = isRun ? daylightNote(job.rule, tickMs)?.text : undefined;
      const style = styles[action];
      const shown = action.padEnd('replace'.length);
      return [
        i === 0 && more === undefined ? at : '',
        style === undefined ? shown : paint(style, shown),
        logicalDate,
        note === undefined ? reason : `${reason}; ${note}`,
      ];
    });
    return more === undefined ? rows : [[at, more.action, '', more.reason], ...rows];
  });
  const cut = isCut ? `  and so on; ${mostSteps} moments are shown at most, see --to\n` : '';
  return `${jobTitle(job)}\n${aligned(lines, { indent: 2 })}${cut}`;
}
