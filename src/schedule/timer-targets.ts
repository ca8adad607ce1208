import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { CrontabTarget } from './crontab-target.ts';
import { SystemdTarget } from './systemd-target.ts';
import type { TargetName, TimerTarget } from './timer-target.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Every place where this user's timers can be, in the order in which `auto` takes one. */
export function timerTargets(env: Env): readonly TimerTarget[] {
  const { uid, username } = userInfo();
  const user = { uid, name: username };
  const config = env['XDG_CONFIG_HOME'];
  const configFolder = config?.startsWith('/') === true ? config : join(env['HOME'] ?? homedir(), '.config');
  return [
    new SystemdTarget({ kind: 'user', folder: join(configFolder, 'systemd/user'), env, user }),
    new CrontabTarget(env),
    new SystemdTarget({ kind: 'system', folder: '/etc/systemd/system', env, user }),
  ];
}

/**
 * The one that is named; `auto` is a systemd manager of the user that answers, else the crontab.
 * @throws AppError SCHEDULER_UNAVAILABLE
 */
export async function chooseTarget(targets: readonly TimerTarget[], name: TargetName | 'auto'): Promise<TimerTarget> {
  const candidates = targets.filter((target) =>
    name === 'auto' ? target.name !== 'systemd-system' : target.name === name,
  );
  for (const target of candidates) if (name !== 'auto' || (await target.isAvailable())) return target;
  throw new AppError('SCHEDULER_UNAVAILABLE', 'there is neither a systemd manager of your user nor a crontab here', {
    hint: '`nightshift doctor` says what is missing; as root, --target systemd-system may do',
  });
}
