import { expect, it } from 'vitest';
import { machineZone } from '../../src/core/zoned-date.ts';
import { readTickRule, tickRuleOf } from '../../src/schedule/tick-rule.ts';
import { zoneOf } from '../../src/spec/fill-templates.ts';
import { parseSpec } from '../../src/spec/load-spec.ts';

const none = { cron: undefined, onCalendar: undefined, timeZone: undefined, daylightSaving: 'runOnce' } as const;

it.each([
  [
    { cron: '@daily', timeZone: 'Asia/Kolkata' },
    { cron: '@daily', timeZone: 'Asia/Kolkata' },
  ],
  [{ cron: '@daily' }, { cron: '@daily', timeZone: machineZone() }],
  [{ onCalendar: 'daily' }, { cron: '0 0 * * *', timeZone: machineZone() }],
  [
    { onCalendar: 'daily', timeZone: 'UTC' },
    { cron: '0 0 * * *', timeZone: 'UTC' },
  ],
  [{ onCalendar: 'daily Europe/Paris' }, { cron: '0 0 * * *', timeZone: 'Europe/Paris' }],
  [
    { onCalendar: 'daily Europe/Paris', timeZone: 'Europe/Paris' },
    { cron: '0 0 * * *', timeZone: 'Europe/Paris' },
  ],
])('%j is due by %j', (schedule, rule) => {
  expect(tickRuleOf({ ...none, ...schedule })).toEqual({ ...rule, daylightSaving: 'runOnce' });
});

it.each([
  [{ cron: '* *' }, 'cron', '"* *" has 2 fields, expected 5'],
  [{ onCalendar: 'never' }, 'onCalendar', '"never" has the date never, which cannot be read'],
  [
    { onCalendar: 'daily Europe/Paris', timeZone: 'UTC' },
    'onCalendar',
    '"daily Europe/Paris" names another zone than schedule.timeZone, UTC',
  ],
])('%j cannot be read, and the key says where', (schedule, key, text) => {
  expect(readTickRule({ ...none, ...schedule })).toMatchObject({ state: 'invalid', key, text });
  expect(() => tickRuleOf({ ...none, ...schedule })).toThrow('was not checked');
});

it('dates of a job are in the zone that its calendar expression names', () => {
  const jobs = { j: { model: 'm.onnx', input: 'in', output: 'out', schedule: { onCalendar: '02:30 Asia/Kolkata' } } };
  const [job] = parseSpec({ text: JSON.stringify({ version: 1, jobs }), path: '/srv/jobs.yaml', env: {} }).jobs;
  expect(job && zoneOf(job)).toBe('Asia/Kolkata');
});
