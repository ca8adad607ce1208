import { machineZone } from '../core/zoned-date.ts';
import type { ScheduleSpec } from '../spec/job-spec.ts';
import { type CronReading, readCron, type Unreadable } from './cron-expression.ts';
import type { TickRule } from './cron-ticks.ts';
import { readOnCalendar } from './read-on-calendar.ts';

export type RuleReading =
  | { readonly state: 'valid'; readonly rule: TickRule }
  | ({ readonly state: 'invalid'; readonly key: 'cron' | 'onCalendar' } & Unreadable);

type RuleSource = Pick<ScheduleSpec, 'cron' | 'onCalendar' | 'timeZone' | 'daylightSaving'>;

/** The rule of a schedule, in its zone: that of the expression, else the schedule's, else the machine's. */
export function readTickRule(schedule: RuleSource, machine = machineZone()): RuleReading {
  const { cron, onCalendar, timeZone, daylightSaving } = schedule;
  if (onCalendar === undefined) {
    const reading: CronReading = readCron(cron ?? '');
    if (reading.state === 'invalid') return { ...reading, key: 'cron' };
    return { state: 'valid', rule: { cron: cron ?? '', timeZone: timeZone ?? machine, daylightSaving } };
  }
  const reading = readOnCalendar(onCalendar);
  if (reading.state === 'invalid') return { ...reading, key: 'onCalendar' };
  const own = reading.timeZone;
  if (own !== undefined && timeZone !== undefined && own !== timeZone) {
    const text = `${JSON.stringify(onCalendar)} names another zone than schedule.timeZone, ${timeZone}`;
    return { state: 'invalid', key: 'onCalendar', text, hint: 'write one of the two' };
  }
  return {
    state: 'valid',
    rule: { cron: reading.cron, timeZone: own ?? timeZone ?? machine, daylightSaving },
  };
}

/** The rule of a schedule whose expression was read before, as that of every opened spec was. */
export function tickRuleOf(schedule: RuleSource, machine = machineZone()): TickRule {
  const reading = readTickRule(schedule, machine);
  if (reading.state === 'valid') return reading.rule;
  throw new Error(`schedule.${reading.key} was not checked: ${reading.text}`);
}

/** The rule that an expression is, be it a cron or a calendar expression; undefined where it is neither any more. */
export function ruleOfText(when: string, timeZone: string): TickRule | undefined {
  const cron = readCron(when);
  if (cron.state === 'valid') return { cron: when, timeZone, daylightSaving: 'runOnce' };
  const calendar = readOnCalendar(when);
  return calendar.state === 'valid' ? { cron: calendar.cron, timeZone, daylightSaving: 'runOnce' } : undefined;
}
