/** `2026-11-23T02:30:00+01:00`: an instant as a clock in that zone shows it. */
export function instantText(atMs: number, timeZone: string): string {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  const zone = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' }).formatToParts(atMs);
  const offset = zone.find(({ type }) => type === 'timeZoneName')?.value.replace('GMT', '') ?? '';
  return `${format.format(atMs).replace(' ', 'T')}${offset === '' ? '+00:00' : offset}`;
}
