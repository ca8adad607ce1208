import { AppError } from '../core/errors.ts';
import { formatLogicalDate } from '../core/zoned-date.ts';
import { type TickRule, ticks } from '../schedule/cron-ticks.ts';
import { daylightNote } from '../schedule/daylight-note.ts';
import { aligned } from './aligned.ts';
import { chooseJobs } from './choose-jobs.ts';
import type { Io } from './io.ts';
import { openSpec } from './open-spec.ts';
import { dateOption, type ScheduledJob, scheduledJobs } from './scheduled-jobs.ts';
import { warnOfZone } from './warn-of-zone.ts';
import { zonedCell } from './zoned-cells.ts';

export interface NextFlags {
  readonly count: string;
  readonly from?: string;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

export interface NextRequest {
  readonly spec: string;
  readonly names: readonly string[];
  readonly flags: NextFlags;
}

interface ShownTick {
  readonly tickMs: number;
  readonly note: string | undefined;
  /** Whether it is shown only to say that nothing runs then. */
  readonly isSkipped: boolean;
}

const mostTicks = 1000;

export async function showNext(io: Io, request: NextRequest): Promise<number> {
  const { flags } = request;
  const count = countOption(flags.count);
  const spec = await openSpec(request);
  warnOfZone(io, chooseJobs(spec, request.names));
  const now = Date.now();
  const jobs = scheduledJobs(spec, request.names).map((job) => {
    const fromMs = flags.from === undefined ? now : dateOption('--from', flags.from, job.rule) - 1;
    return { job, ticks: shownTicks(job.rule, fromMs, count) };
  });
  if (flags.json === true)
    io.out(`${JSON.stringify({ v: 1, spec: spec.path, jobs: jobs.map((shown) => nextJson(shown)) }, null, 2)}\n`);
  else for (const shown of jobs) io.out(nextText(shown));
  return 0;
}

/** Ticks that are skipped for the clock's sake are shown where they would be, and not counted. */
function shownTicks(rule: TickRule, fromMs: number, count: number): readonly ShownTick[] {
  const shown: ShownTick[] = [];
  let due = 0;
  for (const tickMs of ticks({ ...rule, daylightSaving: 'runOnce' }, fromMs)) {
    const note = daylightNote(rule, tickMs);
    const isSkipped = note?.isMadeUp === true && rule.daylightSaving === 'skip';
    if (!isSkipped && due === count) break;
    if (!isSkipped) due += 1;
    shown.push({ tickMs, note: note?.text, isSkipped });
    if (due === count) break;
  }
  return shown;
}

interface ShownJob {
  readonly job: ScheduledJob;
  readonly ticks: readonly ShownTick[];
}

function nextJson({ job, ticks: shown }: ShownJob): object {
  const { name, rule, schedule } = job;
  return {
    job: name,
    cron: rule.cron,
    onCalendar: schedule.onCalendar,
    timeZone: rule.timeZone,
    suspended: schedule.suspend,
    ticks: shown.map(({ tickMs, note, isSkipped }) => ({
      time: formatLogicalDate(tickMs, rule.timeZone),
      utc: new Date(tickMs).toISOString(),
      runs: !isSkipped,
      note,
    })),
  };
}

function nextText({ job, ticks: shown }: ShownJob): string {
  const suspended = job.schedule.suspend ? ', suspended' : '';
  const lines = shown.map(({ tickMs, note }) => [zonedCell(tickMs, job.rule.timeZone), note ?? '']);
  return `${jobTitle(job)}${suspended}\n${aligned(lines, { indent: 2 })}`;
}

export function jobTitle({ name, rule, schedule }: ScheduledJob): string {
  const expression = schedule.onCalendar ?? rule.cron;
  // A calendar expression may name its zone itself.
  const suffix = ` ${rule.timeZone}`;
  return `${name}: ${expression.endsWith(suffix) ? expression.slice(0, -suffix.length) : expression},${suffix}`;
}

function countOption(written: string): number {
  const count = Number(written);
  if (/^\d+$/.test(written) && count >= 1 && count <= mostTicks) return count;
  throw new AppError('USAGE', `--count ${written}: is not a whole number from 1 to ${mostTicks}`, {
    hint: 'write for example `-n 10`',
  });
}
