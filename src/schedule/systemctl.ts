import { existsSync } from 'node:fs';
import { execa } from 'execa';
import { AppError } from '../core/errors.ts';
import type { Manager } from './systemd-units.ts';

export interface SystemdOptions {
  readonly kind: Manager['kind'];
  /** Where the manager looks for units that people write. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly user: { readonly uid: number; readonly name: string };
}

const commandTimeoutMs = 60_000;

/** Calls of a systemd manager, the user's own or the system's. */
export class Systemctl {
  private readonly env: SystemdOptions['env'];
  private readonly scope: readonly string[];
  private readonly user: SystemdOptions['user'];

  constructor({ kind, env, user }: Pick<SystemdOptions, 'kind' | 'env' | 'user'>) {
    this.scope = kind === 'user' ? ['--user'] : [];
    this.user = user;
    // `su` and cron leave it out, and the manager is there all the same.
    const runtime = env['XDG_RUNTIME_DIR'] ?? `/run/user/${user.uid}`;
    this.env = { ...env, LC_ALL: 'C', ...(existsSync(runtime) ? { XDG_RUNTIME_DIR: runtime } : {}) };
  }

  async isThere(): Promise<boolean> {
    return (await this.call('systemctl', ['show', '--property=Version'])).isDone;
  }

  /** Whether a service may have a view of files of its own: a user's manager needs user namespaces for that. */
  async canIsolate(): Promise<boolean> {
    await this.checkThere();
    const isolation = [
      'PrivateTmp=yes',
      'ProtectSystem=strict',
      ...(this.scope.length > 0 ? ['PrivateUsers=yes'] : []),
    ];
    const properties = isolation.flatMap((property) => ['-p', property]);
    return (await this.call('systemd-run', ['--wait', '--quiet', '--collect', ...properties, 'true'])).isDone;
  }

  /** Whether a timer waits for its time, and will after the next start. */
  async isRunning(unit: string): Promise<boolean> {
    for (const question of ['is-active', 'is-enabled'])
      if (!(await this.call('systemctl', [question, '--quiet', unit])).isDone) return false;
    return true;
  }

  /** @throws AppError SCHEDULER_UNAVAILABLE */
  async reload(): Promise<void> {
    await this.checkThere();
    await this.must(['daemon-reload']);
  }

  /** @throws AppError SCHEDULER_UNAVAILABLE */
  async start(unit: string): Promise<void> {
    await this.must(['enable', '--quiet', unit]);
    await this.must(['restart', unit]);
  }

  /** Stops a timer but no run that it started; whether it was there or not. */
  async stop(unit: string): Promise<void> {
    await this.checkThere();
    await this.call('systemctl', ['disable', '--now', '--quiet', unit]);
    // Its stamp would have a timer of the same name fire at once when it is installed again.
    await this.call('systemctl', ['clean', '--what=state', unit]);
    await this.call('systemctl', ['reset-failed', unit.replace(/\.timer$/, '.service')]);
  }

  private async must(args: readonly string[]): Promise<void> {
    const { isDone, told } = await this.call('systemctl', args);
    if (!isDone) throw this.unavailable(`\`systemctl ${[...this.scope, ...args].join(' ')}\` failed: ${told}`);
  }

  /** @throws AppError SCHEDULER_UNAVAILABLE when it does not answer, or is not this user's to change */
  async checkThere(): Promise<void> {
    if (this.scope.length === 0 && this.user.uid !== 0)
      throw this.unavailable('only root installs timers of the system');
    const { isDone, told } = await this.call('systemctl', ['show', '--property=Version']);
    if (isDone) return;
    throw this.unavailable(
      `${this.scope.length > 0 ? 'no systemd manager of your user' : 'no systemd'} answers: ${told}`,
    );
  }

  private unavailable(message: string): AppError {
    const hint =
      this.scope.length > 0
        ? `log in so that XDG_RUNTIME_DIR is set, or have \`loginctl enable-linger ${this.user.name}\` run as root; or install with --target cron`
        : 'install as root where systemd is the init process, or with --target cron';
    return new AppError('SCHEDULER_UNAVAILABLE', message, { hint });
  }

  private async call(
    command: string,
    args: readonly string[],
  ): Promise<{ readonly isDone: boolean; readonly told: string }> {
    const options = { env: this.env, extendEnv: false, reject: false, stdin: 'ignore' } as const;
    const result = await execa(command, [...this.scope, ...args], { ...options, timeout: commandTimeoutMs });
    const told = result.stderr !== '' && result.stderr !== undefined ? result.stderr : (result.shortMessage ?? '');
    return { isDone: !result.failed, told: told.replaceAll(/\s*\n\s*/g, ' ') };
  }
}
