import type { Cron } from './cron-expression.ts';

export const minuteMs = 60_000;
export const dayMs = 86_400_000;

/** The wall times, in milliseconds as if they were UTC, at which an expression is due; `to` is exclusive. */
export function* wallTimes(cron: Cron, from: number, to: number): Generator<number> {
  for (let day = Math.floor(from / dayMs); day * dayMs < to; day += 1) {
    if (!isDueOn(cron, day)) continue;
    for (const minute of cron.minutesOfDay) {
      const wall = day * dayMs + minute * minuteMs;
      if (wall >= to) return;
      if (wall >= from) yield wall;
    }
  }
}

/** How many there are, without walking through whole days. */
export function countWallTimes(cron: Cron, from: number, to: number): number {
  let count = 0;
  for (let day = Math.floor(from / dayMs); day * dayMs < to; day += 1) {
    if (!isDueOn(cron, day)) continue;
    const [first, last] = [(from - day * dayMs) / minuteMs, (to - day * dayMs) / minuteMs];
    const isWhole = first <= 0 && last >= dayMs / minuteMs;
    count += isWhole
      ? cron.minutesOfDay.length
      : cron.minutesOfDay.filter((minute) => minute >= first && minute < last).length;
  }
  return count;
}

/** Where both day fields say something, one of them is enough, as in every cron. */
function isDueOn({ months, days, weekdays }: Cron, dayNumber: number): boolean {
  const date = new Date(dayNumber * dayMs);
  if (!months.includes(date.getUTCMonth() + 1)) return false;
  if (days.isAny && weekdays.isAny) return true;
  const day = date.getUTCDate();
  const daysInMonth = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  if (!days.isAny && (days.values.includes(day) || (days.hasLast && day === daysInMonth))) return true;
  if (weekdays.isAny) return false;
  const weekday = date.getUTCDay();
  if (weekdays.last.includes(weekday) && day > daysInMonth - 7) return true;
  return weekdays.values.includes(weekday) && (weekdays.nth === undefined || Math.ceil(day / 7) === weekdays.nth);
}
