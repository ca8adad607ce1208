import { describe, expect, it } from 'vitest';
import { readCron } from '../../src/schedule/cron-expression.ts';
import { onCalendarLines } from '../../src/schedule/on-calendar.ts';

function linesOf(cron: string): readonly string[] {
  const reading = readCron(cron);
  return reading.state === 'valid' ? onCalendarLines(reading.cron, 'Europe/Paris') : [];
}

describe('a cron expression in the words of systemd', () => {
  it.each([
    ['30 2 * * *', ['*-*-* 02:30:00']],
    ['* * * * *', ['*-*-* *:*:00']],
    ['*/15 * * * *', ['*-*-* *:00,15,30,45:00']],
    ['5-20/5 8-10 * * *', ['*-*-* 08..10:05,10,15,20:00']],
    ['0 0 1,15 * *', ['*-*-01,15 00:00:00']],
    ['0 0 * JAN,JUL *', ['*-01,07-* 00:00:00']],
    ['0 0 * * MON-FRI', ['Mon..Fri *-*-* 00:00:00']],
    ['0 0 * * 0,6', ['Sat..Sun *-*-* 00:00:00']],
    ['0 0 1,15 * MON', ['*-*-01,15 00:00:00', 'Mon *-*-* 00:00:00']],
    ['0 0 L * *', ['*-*~01 00:00:00']],
    ['0 0 1,L * *', ['*-*-01 00:00:00', '*-*~01 00:00:00']],
    ['0 0 * * 5#2', ['Fri *-*-08..14 00:00:00']],
    ['0 0 * * 1#5', ['Mon *-*-29..31 00:00:00']],
    ['0 0 * * 5L', ['Fri *-*~07/1 00:00:00']],
    ['0 0 * * 1,5L', ['Mon *-*-* 00:00:00', 'Fri *-*~07/1 00:00:00']],
    ['0 0 30 2 MON', ['Mon *-02-* 00:00:00']],
  ])('%s is %j', (cron, lines) => {
    expect(linesOf(cron)).toEqual(lines.map((line) => `${line} Europe/Paris`));
  });
});
