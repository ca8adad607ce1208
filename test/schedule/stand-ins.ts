import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Commands that keep what they are told in files, for machines without cron or systemd, and for tests that may not
 * touch those of the machine. The real ones are in `npm run test:schedule`.
 */
export class StandIns {
  readonly env: Readonly<Record<string, string>>;
  private readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
    const path = `${join(folder, 'bin')}:/usr/bin:/bin`;
    this.env = {
      PATH: path,
      HOME: folder,
      XDG_STATE_HOME: join(folder, 'state'),
      XDG_CONFIG_HOME: join(folder, 'config'),
    };
  }

  static async make(folder: string): Promise<StandIns> {
    await mkdir(join(folder, 'bin'), { recursive: true });
    await mkdir(join(folder, 'timers'));
    return new StandIns(folder);
  }

  /** Behaves as Debian's: a user without a crontab is told so, with exit code 1. */
  async addCrontab(): Promise<void> {
    const file = join(this.folder, 'crontab');
    await this.add(
      'crontab',
      `case "$1" in
-l) [ -f '${file}' ] || { echo "no crontab for ada" >&2; exit 1; }; exec cat '${file}' ;;
-r) exec rm '${file}' ;;
-) exec cat >'${file}' ;;
*) exit 2 ;;
esac`,
    );
  }

  /** A crontab that somebody else writes to after each look at it. */
  async addBusyCrontab(): Promise<void> {
    const file = join(this.folder, 'crontab');
    await this.add('crontab', `[ "$1" = -l ] || exec cat >'${file}'; cat '${file}'; echo '1 1 * * * new' >>'${file}'`);
  }

  /** Keeps which timers run, and what it was told. */
  async addSystemd(): Promise<void> {
    const timers = join(this.folder, 'timers');
    await this.add('systemd-run', 'exit 0');
    await this.add(
      'systemctl',
      `echo "$*" >>'${this.folder}/told'
for unit; do :; done
case "$*" in
*restart*) exec touch "${timers}/$unit" ;;
*disable*) exec rm -f "${timers}/$unit" ;;
*is-*) [ -f "${timers}/$unit" ] ;;
esac`,
    );
  }

  /** Fails as systemctl does where no manager is to be had. */
  async addDeadSystemd(): Promise<void> {
    await this.add('systemctl', 'echo "Failed to connect to bus: No medium found" >&2; exit 1');
  }

  async crontab(): Promise<Buffer | undefined> {
    return readFile(join(this.folder, 'crontab')).catch(() => undefined);
  }

  async writeCrontab(text: string | Uint8Array): Promise<void> {
    await writeFile(join(this.folder, 'crontab'), text);
  }

  /** The calls of systemctl, one a line. */
  async told(): Promise<string> {
    return readFile(join(this.folder, 'told'), 'utf8').catch(() => '');
  }

  private async add(name: string, script: string): Promise<void> {
    const path = join(this.folder, 'bin', name);
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
  }
}
