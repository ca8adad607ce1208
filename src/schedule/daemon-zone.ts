import { readFileSync, realpathSync } from 'node:fs';

/** The zone that cron and systemd reckon in: the machine's, which TZ of the one who asks does not change. */
export function daemonZone(): string {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return fromLink() ?? fromName() ?? own;
}

function fromLink(): string | undefined {
  try {
    return known(/zoneinfo\/(?:posix\/|right\/)?(.+)$/.exec(realpathSync('/etc/localtime'))?.[1]);
  } catch {
    return undefined;
  }
}

function fromName(): string | undefined {
  try {
    return known(readFileSync('/etc/timezone', 'utf8').trim());
  } catch {
    return undefined;
  }
}

function known(timeZone: string | undefined): string | undefined {
  if (timeZone === undefined || timeZone === '') return undefined;
  try {
    // Links such as Etc/UTC and UTC are one zone.
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}
