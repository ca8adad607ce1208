/** How far ahead offsets of zones are looked at: all that a year brings, and one more for rules that change. */
const aheadDays = 2 * 366;
const dayMs = 86_400_000;

export interface FireMinutesRequest {
  /** Minutes at which ticks are, in the job's zone. */
  readonly minutes: readonly number[];
  readonly jobZone: string;
  readonly machineZone: string;
  readonly nowMs: number;
}

/**
 * The minutes of an hour, by the machine's clock, at which a tick of the job can be: all that any pair of the offsets
 * of both zones makes of them. A tick that a clock change moves is seen at the next of these minutes.
 */
export function fireMinutes({ minutes, jobZone, machineZone, nowMs }: FireMinutesRequest): readonly number[] {
  const shifts = jobZone === machineZone ? new Set([0]) : shiftsBetween(jobZone, machineZone, nowMs);
  const all = minutes.flatMap((minute) => [...shifts].map((shift) => (((minute + shift) % 60) + 60) % 60));
  return [...new Set(all)].sort((a, b) => a - b);
}

/** The minutes of the hour that a crontab's or a calendar's minute field names; undefined where it cannot be read. */
export function minutesOf(field: string): readonly number[] | undefined {
  const found = new Set<number>();
  for (const item of field.split(',')) {
    const [, from, to, step] = /^(?:\*|(\d{1,2})(?:(?:-|\.\.)(\d{1,2}))?)(?:\/(\d{1,2}))?$/.exec(item) ?? [];
    if (!/^[*\d]/.test(item) || (from === undefined && !item.startsWith('*')) || step === '0') return undefined;
    const first = Number(from ?? 0);
    const last = Number(to ?? (from === undefined || step !== undefined ? 59 : first));
    if (first > 59 || last > 59) return undefined;
    for (let minute = first; minute <= last; minute += Number(step ?? 1)) found.add(minute);
  }
  return found.size === 0 ? undefined : [...found].sort((a, b) => a - b);
}

function shiftsBetween(jobZone: string, machineZone: string, nowMs: number): ReadonlySet<number> {
  const [job, machine] = [offsets(jobZone), offsets(machineZone)];
  const days = Array.from({ length: aheadDays }, (_, day) => nowMs + day * dayMs);
  return new Set(days.map((at) => machine(at) - job(at)));
}

/** Minutes that a zone is ahead of UTC. */
function offsets(timeZone: string): (atMs: number) => number {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  return (atMs) => {
    const name = format.formatToParts(atMs).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    const [, sign, hours = '0', minutes = '0'] = /^GMT([+-])(\d+):(\d+)/.exec(name) ?? [];
    return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  };
}
