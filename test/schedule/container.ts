import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';

const bootLimitMs = 60_000;
const commandLimitMs = 60_000;

/** This machine's own files, under a systemd of their own as the first process; what it writes there is gone afterwards. */
export class Container implements AsyncDisposable {
  private readonly mounts: string[] = [];
  private leader: string | undefined;
  private nspawn: { readonly pid?: number | undefined; kill: (signal: 'SIGKILL') => boolean } | undefined;

  /** Boots with folders of this machine at other places. */
  static async boot(folder: string, binds: Readonly<Record<string, string>>): Promise<Container> {
    const container = new Container();
    try {
      await container.start(folder, binds);
      return container;
    } catch (error) {
      await container[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Runs a script of sh as root within. */
  async sh(script: string): Promise<string> {
    const result = await execa('nsenter', ['-t', this.leader ?? '', '-a', '/bin/sh', '-euc', script], {
      ...{ all: true, reject: false, stdin: 'ignore', detached: true, timeout: commandLimitMs },
      env: { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin' },
      extendEnv: false,
    });
    if (result.exitCode !== 0) throw new Error(`in the container failed: ${script}\n${result.all}`);
    return result.stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.leader !== undefined) await this.sh('systemctl poweroff --force --force || true').catch(() => undefined);
    this.nspawn?.kill('SIGKILL');
    for (const mount of this.mounts.toReversed()) await execa('umount', ['--lazy', mount], { reject: false });
  }

  private async start(folder: string, binds: Readonly<Record<string, string>>): Promise<void> {
    const [tree, layer] = [join(folder, 'root'), join(folder, 'layer')];
    await mkdir(tree, { recursive: true });
    await mkdir(layer, { recursive: true });
    await this.mount(layer, ['-t', 'tmpfs', '-o', 'size=2g', 'tmpfs']);
    await mkdir(join(layer, 'upper'));
    await mkdir(join(layer, 'work'));
    const options = `lowerdir=/,upperdir=${join(layer, 'upper')},workdir=${join(layer, 'work')}`;
    await this.mount(tree, ['-t', 'overlay', '-o', options, 'overlay']);
    // An identity of its own, which systemd makes up.
    await writeFile(join(tree, 'etc/machine-id'), '');
    const args = ['-q', '-D', tree, '--register=no', '--keep-unit', '--machine=nightshift-test', '--console=pipe'];
    for (const [inside, outside] of Object.entries(binds)) args.push(`--bind=${outside}:${inside}`);
    args.push(
      '-b',
      'systemd.unit=basic.target',
      'systemd.mask=apt-daily.timer',
      'systemd.mask=apt-daily-upgrade.timer',
    );
    const nspawn = execa('systemd-nspawn', args, {
      reject: false,
      stdin: 'ignore',
      all: true,
      detached: true,
      cleanup: true,
    });
    this.nspawn = nspawn;
    let ended: string | undefined;
    void nspawn.then(({ all, shortMessage }) => {
      ended = `${shortMessage} ${all}`;
    });
    const until = performance.now() + bootLimitMs;
    // The first moment at which it can be asked is no event that could be waited for.
    while (!(await this.isUp(nspawn.pid))) {
      if (performance.now() > until || ended !== undefined)
        throw new Error(`systemd did not come up in the container: ${ended}`);
      await delay(200);
    }
  }

  private async isUp(pid: number | undefined): Promise<boolean> {
    const { stdout } = await execa('pgrep', ['-P', String(pid)], { reject: false });
    [this.leader] = stdout.split('\n').filter((line) => line !== '');
    if (this.leader === undefined) return false;
    return this.sh('systemctl is-system-running --wait | grep -E "running|degraded"').then(
      () => true,
      () => false,
    );
  }

  private async mount(at: string, args: readonly string[]): Promise<void> {
    await execa('mount', [...args, at]);
    this.mounts.push(at);
  }
}
