/** `0.8 s`, `42 s`, `3 min 05 s`, `2 h 07 min`: as much as one wants to know. */
export function durationText(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${twoDigits(whole % 60)} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
}

/** `0:42`, `3:05`, `2:07:31`: for what changes while one looks at it. */
export function clockText(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  const tail = twoDigits(whole % 60);
  return hours > 0 ? `${hours}:${twoDigits(minutes)}:${tail}` : `${minutes}:${tail}`;
}

/** Four days: a rate that says so has just begun to be measured. */
const secondsWorthTelling = 4 * 24 * 3600;

/** `ETA 3:05`; a dash where nobody knows. */
export function etaText(seconds: number | undefined): string {
  return `ETA ${seconds !== undefined && seconds < secondsWorthTelling ? clockText(seconds) : '–'}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
