import { z } from 'zod';
import { closedMap, duration, field, oneOf, size, text, wholeNumber } from './fields.ts';

const timeZoneError = 'is not a time zone of the IANA database';

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** A calendar expression may end with its zone, which dates are then in, too. */
function zoneOfCalendar(onCalendar: string | undefined): string | undefined {
  const last = onCalendar?.trim().split(/\s+/).at(-1);
  return last !== undefined && isTimeZone(last) ? last : undefined;
}

const serviceSchema = closedMap({
  nice: field(
    z
      .int({ error: 'is not a whole number from -20 to 19' })
      .min(-20, { error: 'is not a whole number from -20 to 19' })
      .max(19, { error: 'is not a whole number from -20 to 19' })
      .optional(),
    'How much a run gives way to other processes; systemd only.',
    10,
  ),
  ioSchedulingClass: field(
    oneOf(['best-effort', 'idle', 'realtime']).optional(),
    'How a run competes for the disk; systemd only.',
    'idle',
  ),
  memoryMax: field(size().optional(), 'What a run and its workers may use together; systemd only.', '16GB'),
  environment: field(
    z
      .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'is not the name of an environment variable' }), {
        error: 'is not a list of names',
      })
      .default([]),
    'Environment variables whose present values are written into the timer.',
    ['MODELS'],
  ),
  onFailure: field(
    z
      .string()
      .regex(/^[A-Za-z0-9:_.\\@%-]+$/, { error: 'is not the name of a systemd unit' })
      .optional(),
    'A unit that systemd starts when a run fails.',
    'alert@%n.service',
  ),
});

const fields = {
  cron: field(
    text('a cron expression').optional(),
    'When the job is due: minute, hour, day of month, month, day of week; or @daily and the like.',
    '30 2 * * *',
  ),
  onCalendar: field(
    text('a calendar expression').optional(),
    "When the job is due, in systemd's words; instead of cron.",
    '*-*-* 02:30:00',
  ),
  timeZone: field(
    z.string({ error: timeZoneError }).refine(isTimeZone, { error: timeZoneError }).optional(),
    "The zone that cron and dates are in; the machine's own if left out.",
    'Europe/Paris',
  ),
  concurrencyPolicy: field(
    oneOf(['Forbid', 'Allow', 'Replace']).default('Forbid'),
    'When a run is still going as the next is due: wait for its end, run both, or stop the old one.',
    'Forbid',
  ),
  startingDeadline: field(
    duration({ seconds: 1 }).optional(),
    'How late a run may begin; later it counts as missed. Left out: any time.',
    '6h',
  ),
  activeDeadline: field(duration({ seconds: 1 }).optional(), 'How long a run may take; then it is stopped.', '4h'),
  suspend: field(z.boolean({ error: 'is not true or false' }).default(false), 'Whether nothing is due for now.', true),
  catchUp: field(
    oneOf(['none', 'latest', 'all']).default('latest'),
    'Which of the logical dates that were missed are made up for.',
    'all',
  ),
  maxCatchUp: field(wholeNumber(1, 1000).default(7), 'How many missed logical dates are made up for, at most.', 7),
  jitter: field(duration().prefault('0s'), 'A delay up to this, the same every night, so that machines spread.', '5m'),
  daylightSaving: field(
    oneOf(['runOnce', 'skip']).default('runOnce'),
    'What becomes of a run in an hour that the clock leaves out: it runs at the next instant, or not at all.',
    'runOnce',
  ),
  service: field(serviceSchema.prefault({}), 'How the installed timer runs the job.', { nice: 10 }),
};

/** Durations are milliseconds afterwards. Whether the cron or calendar expression can be read, `schedule/` says. */
export const scheduleSchema = closedMap(fields, 'is not a map')
  .refine(({ cron, onCalendar }) => (cron === undefined) !== (onCalendar === undefined), {
    error: 'needs either cron or onCalendar',
  })
  .transform(({ startingDeadline, activeDeadline, jitter, ...rest }) => ({
    ...rest,
    timeZone: rest.timeZone ?? zoneOfCalendar(rest.onCalendar),
    startingDeadlineMs: startingDeadline,
    activeDeadlineMs: activeDeadline,
    jitterMs: jitter,
  }));
