import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import type { DoctorRequest, Finding } from './doctor-finding.ts';
import { readText } from './doctor-host.ts';

const cronDaemons = new Set(['cron', 'crond', 'fcron', 'anacron', 'dcron', 'systemd-cron']);
/** A clock that is behind this was never set. */
const plausibleYear = 2025;

export function clockFinding(now: Date): Finding {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const isSynchronized = existsSync('/run/systemd/timesync/synchronized');
  const text = `${now.toISOString()}, time zone ${timeZone}${isSynchronized ? ', synchronized' : ''}`;
  if (now.getUTCFullYear() >= plausibleYear) return { name: 'clock', status: 'ok', text };
  return { name: 'clock', status: 'warn', text, fix: 'set the clock; logical dates and history depend on it' };
}

export function cronFinding(env: DoctorRequest['env']): Finding {
  const name = 'cron';
  const crontab = findOnPath('crontab', env['PATH']);
  if (crontab === undefined)
    return {
      name,
      status: 'warn',
      text: 'no crontab command',
      fix: 'install cron to schedule with it, or schedule with systemd',
    };
  const daemon = runningCron();
  if (daemon === undefined)
    return {
      name,
      status: 'warn',
      text: `${crontab}, but no cron daemon runs`,
      fix: 'start it, e.g. `systemctl enable --now cron`',
    };
  return { name, status: 'ok', text: `${crontab}, ${daemon} runs` };
}

export function systemdFinding(): Finding {
  const name = 'systemd';
  if (!existsSync('/run/systemd/system'))
    return { name, status: 'warn', text: 'does not run here', fix: 'nothing to do, unless you want systemd timers' };
  const { uid, username } = userInfo();
  const hasUserManager = existsSync(`/run/user/${uid}/systemd`);
  const lingers = existsSync(`/var/lib/systemd/linger/${username}`);
  if (uid === 0) return { name, status: 'ok', text: 'runs; as root, timers are the system’s' };
  if (hasUserManager && lingers)
    return { name, status: 'ok', text: 'runs, with a user manager that stays after logout' };
  return {
    name,
    status: 'warn',
    text: hasUserManager ? 'runs, but your timers stop when you log out' : 'runs, but has no manager for your user',
    fix: `\`loginctl enable-linger ${username}\``,
  };
}

function findOnPath(command: string, path: string | undefined): string | undefined {
  return (path ?? '')
    .split(delimiter)
    .map((folder) => join(folder === '' ? '.' : folder, command))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

function runningCron(): string | undefined {
  if (!existsSync('/proc/self/comm')) return undefined;
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const command = readText(`/proc/${pid}/comm`)?.trim();
    if (command !== undefined && cronDaemons.has(command)) return command;
  }
  return undefined;
}
