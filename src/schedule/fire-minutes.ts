import { clockChange, offsetAt } from '../core/zoned-date.ts';
import { dayMs, minuteMs } from './wall-time.ts';

/** How far ahead offsets of zones are looked at: all that a year brings, and one more for rules that change. */
const aheadDays = 2 * 366;

export interface FireMinutesRequest {
  /** Minutes at which ticks are, in the job's zone. */
  readonly minutes: readonly number[];
  readonly jobZone: string;
  readonly machineZone: string;
  readonly nowMs: number;
}

/**
 * The minutes of an hour, by the machine's clock, at which a tick of the job can be: all that any pair of the offsets
 * of both zones makes of them.
 */
export function fireMinutes({ minutes, jobZone, machineZone, nowMs }: FireMinutesRequest): readonly number[] {
  const shifts = jobZone === machineZone ? new Set([0]) : shiftsBetween(jobZone, machineZone, nowMs);
  const all = minutes.flatMap((minute) => [...shifts].map((shift) => (((minute + shift) % 60) + 60) % 60));
  return [...new Set(all)].sort((a, b) => a - b);
}

function shiftsBetween(jobZone: string, machineZone: string, nowMs: number): ReadonlySet<number> {
  return new Set(daysAhead(nowMs).map((at) => (offsetAt(at, machineZone) - offsetAt(at, jobZone)) / minuteMs));
}

/** Whether the clock of a zone is changed in the time that is looked at. */
export function changesClock(zone: string, nowMs: number): boolean {
  return new Set(daysAhead(nowMs).map((at) => offsetAt(at, zone))).size > 1;
}

/** By the machine's clock, the minutes at which the clock of the job leaps: ticks that it leaves out are due then. */
export function leapMinutes({ jobZone, machineZone, nowMs }: Omit<FireMinutesRequest, 'minutes'>): readonly number[] {
  const leaps = daysAhead(nowMs).flatMap((at) => {
    const change = clockChange(jobZone, at, at + dayMs);
    return change !== undefined && offsetAt(change, jobZone) > offsetAt(change - 1, jobZone) ? [change] : [];
  });
  return [...new Set(leaps.map((at) => Math.floor((at + offsetAt(at, machineZone)) / minuteMs) % 60))];
}

function daysAhead(nowMs: number): readonly number[] {
  return Array.from({ length: aheadDays }, (_, day) => nowMs + day * dayMs);
}
