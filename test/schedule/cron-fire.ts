import { existsSync, globSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { awkward, changeIn, checkGiven, checkRecorded, makeScene, type Outcome, type Scene } from './scene.ts';

/** A minute, and what it takes to start and score. */
const fireLimitMs = 180_000;

/** Whether a real cron can be tried here, or why not. */
export async function whyNoCron(): Promise<string | undefined> {
  if ((await readCrontab()) === 'no crontab command') return 'there is no crontab command: install cron';
  if (runningCron() || process.getuid?.() === 0) return undefined;
  return 'no cron daemon runs, and only root can start one';
}

/**
 * Has a real cron run a job from a timer that `schedule install` put into the real crontab. Only our own lines are
 * ever written and removed; they are removed whatever happens, SIGINT and SIGTERM included.
 */
export async function fireByCron(folder: string, signal: AbortSignal): Promise<Outcome> {
  const why = await whyNoCron();
  if (why !== undefined) return { skipped: why };
  const scene = await makeScene({ folder });
  const before = await readCrontab();
  using daemon = runningCron() ? undefined : startCron();
  await using _installed = { [Symbol.asyncDispose]: () => removeAgain(scene, before) };
  const started = performance.now();
  await schedule(scene, ['install', 'jobs.yaml', '--target', 'cron']);
  await changeIn(folder, () => existsSync(scene.success), { limitMs: fireLimitMs, signal }).catch(
    async (error: unknown) => {
      throw new Error(`the job did not run: ${await logsOf(scene)}${daemon?.told() ?? ''}`, { cause: error });
    },
  );
  const firedAfterMs = performance.now() - started;
  await checkGiven(join(folder, 'state'));
  const { timers } = JSON.parse(await schedule(scene, ['list', '--json']));
  const mine = timers.filter(({ spec }: { spec: string }) => spec === join(folder, 'jobs.yaml'));
  if (mine.length !== 1 || mine[0].drift.length > 0) throw new Error(`list says ${JSON.stringify(mine)}`);
  checkRecorded(mine[0].lastRun, 'cron');
  return { firedAfterMs };
}

async function removeAgain(scene: Scene, before: string): Promise<void> {
  await schedule(scene, ['remove', 'jobs.yaml']);
  const after = await readCrontab();
  if (after !== before) throw new Error(`the crontab is not what it was:\n${after}\nwas\n${before}`);
}

async function schedule({ folder, bin }: Scene, args: readonly string[]): Promise<string> {
  const env = { XDG_STATE_HOME: join(folder, 'state'), AWKWARD: awkward };
  return (
    await execa(process.execPath, [bin, 'schedule', ...args], { cwd: folder, env, cleanup: false, detached: true })
  ).stdout;
}

/** As text of one character a byte; what crontab says where there is none. */
async function readCrontab(): Promise<string> {
  const result = await execa('crontab', ['-l'], { reject: false, encoding: 'latin1', stripFinalNewline: false });
  return result.code === 'ENOENT' ? 'no crontab command' : `${result.exitCode} ${result.stdout}${result.stderr}`;
}

function runningCron(): boolean {
  return globSync('/proc/[0-9]*/comm').some((path) => {
    try {
      return /^(cron|crond|fcron|dcron)$/.test(readFileSync(path, 'utf8').trim());
    } catch {
      return false;
    }
  });
}

/** In the foreground, so that it goes when this does. */
function startCron(): Disposable & { readonly told: () => string } {
  const isDebian = existsSync('/usr/sbin/cron');
  const [command, args] = isDebian ? (['/usr/sbin/cron', ['-f', '-L', '15']] as const) : (['crond', ['-n']] as const);
  const child = execa(command, args, { reject: false, all: true, buffer: true });
  let text = '';
  child.all.on('data', (piece: Buffer) => {
    text += piece.toString();
  });
  return { told: () => text, [Symbol.dispose]: () => void child.kill('SIGTERM') };
}

async function logsOf({ folder }: Scene): Promise<string> {
  const logs = globSync(join(folder, 'state/nightshift/logs/*.log'));
  return (await Promise.all(logs.map((path) => readFile(path, 'utf8')))).join('\n') || 'there is no log. ';
}
