import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { root } from '../e2e/nightshift.ts';
import { Container } from './container.ts';
import { awkward, changeIn, checkGiven, checkRecorded, makeScene, type Outcome, type Scene } from './scene.ts';

const fireLimitMs = 120_000;
const [inside, checkout] = ['/srv/scene', '/srv/nightshift'];

async function whyNoContainer(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root can boot a systemd of its own';
  const { code } = await execa('systemd-nspawn', ['--version'], { reject: false });
  return code === 'ENOENT' ? 'there is no systemd-nspawn: install systemd-container' : undefined;
}

/** Has a real systemd, the first process of a container, run a job: as a user's timer, then as one of the system. */
export async function fireBySystemd(folder: string, signal: AbortSignal): Promise<Outcome> {
  const why = await whyNoContainer();
  if (why !== undefined) return { skipped: why };
  const scene = await makeScene({ folder: join(folder, 'scene'), checkout });
  await using container = await Container.boot(folder, { [inside]: scene.folder, [checkout]: root });
  await container.sh(`systemctl start dbus systemd-logind; useradd -m ada; chown -R ada: ${inside}
loginctl enable-linger ada; systemctl start user@$(id -u ada)`);
  const started = performance.now();
  await fireAs(
    { who: 'ada', target: 'auto', units: '/home/ada/.config/systemd/user', scope: '--user -M ada@' },
    { container, scene, signal },
  );
  await fireAs(
    { who: 'root', target: 'systemd-system', units: '/etc/systemd/system', scope: '' },
    { container, scene, signal },
  );
  return { firedAfterMs: performance.now() - started };
}

interface Who {
  readonly who: string;
  readonly target: string;
  readonly units: string;
  readonly scope: string;
}

interface Stage {
  readonly container: Container;
  readonly scene: Scene;
  readonly signal: AbortSignal;
}

async function fireAs({ who, target, units, scope }: Who, { container, scene, signal }: Stage): Promise<void> {
  const node = process.execPath.startsWith(root)
    ? join(checkout, process.execPath.slice(root.length))
    : process.execPath;
  const quotedAwkward = `'${awkward.replaceAll("'", `'"'"'`)}'`;
  const env = `HOME=$(getent passwd ${who} | cut -d: -f6) PATH=/usr/bin:/bin XDG_STATE_HOME=${inside}/state-${who} AWKWARD=${quotedAwkward}`;
  const schedule = (args: string) =>
    container.sh(`cd ${inside}; runuser -u ${who} -- env -i ${env} ${node} ${inside}/nightshift.mjs schedule ${args}`);
  const before = await container.sh(`ls -A ${units} 2>/dev/null || true`);
  console.log((await schedule(`install jobs.yaml --target ${target}`)).replaceAll(/^/gm, '  '));
  const again = await schedule(`install jobs.yaml --target ${target}`);
  if (!/^every-minute +unchanged/.test(again)) throw new Error(`installed a second time says ${again}`);
  const unit = await container.sh(`cd ${units}; ls -d nightshift-*.service`);
  await changeIn(scene.folder, () => existsSync(scene.success), { limitMs: fireLimitMs, signal }).catch(
    async (error: unknown) => {
      throw new Error(
        `the job did not run: ${await container.sh(`journalctl ${scope === '' ? '' : '_UID=$(id -u ada)'} -n 40 --no-pager`)}`,
        { cause: error },
      );
    },
  );
  await container.sh(
    `while systemctl ${scope} is-active -q ${unit} || systemctl ${scope} show -p ActiveState ${unit} | grep -q activating; do sleep 0.2; done`,
  );
  await checkGiven(join(scene.folder, `state-${who}`));
  const shown = await container.sh(
    `systemctl ${scope} show -p Result,ProtectSystem,PrivateUsers,NoNewPrivileges,ExecMainStatus ${unit}`,
  );
  for (const line of ['Result=success', 'ExecMainStatus=0', 'ProtectSystem=strict', 'NoNewPrivileges=yes'])
    if (!shown.split('\n').includes(line)) throw new Error(`${unit} is not ${line}:\n${shown}`);
  const list = await schedule('list --json');
  const [timer, ...others] = JSON.parse(list).timers;
  if (others.length > 0 || timer?.job !== 'every-minute' || timer.drift.length > 0)
    throw new Error(`list says ${list}`);
  checkRecorded(timer.lastRun, 'systemd');
  await schedule('remove jobs.yaml');
  const after = await container.sh(
    `ls -A ${units}; systemctl ${scope} list-units --all --no-legend 'nightshift-*.timer'`,
  );
  const left = after.split('\n').filter((name) => name.includes('nightshift'));
  if (left.length > 0) throw new Error(`${units} holds ${left.join(', ')} still; before: ${before}`);
  await rm(join(scene.folder, 'out'), { recursive: true });
}
