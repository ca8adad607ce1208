import { execa } from 'execa';
import { AppError } from '../core/errors.ts';
import { changedCrontab, timersInCrontab } from './crontab.ts';
import { stepsOf, type TimerChange, type TimerPlan, type TimerTarget } from './timer-target.ts';

type Env = Readonly<Record<string, string | undefined>>;

const crontabName = 'crontab';
const commandTimeoutMs = 30_000;

/** The crontab of the user who asks. */
export class CrontabTarget implements TimerTarget {
  readonly name = 'cron';
  private readonly env: Env;

  constructor(env: Env) {
    this.env = { ...env, LC_ALL: 'C' };
  }

  async isAvailable(): Promise<boolean> {
    return this.list().then(
      () => true,
      () => false,
    );
  }

  async read() {
    if (!(await this.isAvailable())) return [];
    return timersInCrontab((await this.list()) ?? Buffer.alloc(0));
  }

  async plan(change: TimerChange): Promise<TimerPlan> {
    const before = await this.list();
    const text = before ?? Buffer.alloc(0);
    const after = changedCrontab(text, change);
    const steps = stepsOf(change, timersInCrontab(text), {
      isSame: (timer) => changedCrontab(text, { install: [timer], remove: [] }).equals(text),
      look: () => ['crontab -l'],
    });
    if (after.equals(text)) return { steps, changes: [] };
    // Where only our lines were, no crontab is left either.
    return { steps, changes: [{ name: crontabName, before, after: after.length === 0 ? undefined : after }] };
  }

  async apply({ changes }: TimerPlan): Promise<void> {
    for (const { before, after } of changes) {
      const now = await this.list();
      if (!(now ?? Buffer.alloc(0)).equals(before ?? Buffer.alloc(0)))
        throw new AppError('SCHEDULE_CHANGED', 'somebody else changed the crontab in between; nothing was written', {
          hint: 'run the same command again',
        });
      const result = after === undefined ? await this.call(['-r']) : await this.call(['-'], after);
      if (result.exitCode !== 0) throw unavailable(result.stderr);
    }
  }

  /** The crontab as it is; undefined where the user has none. */
  private async list(): Promise<Buffer | undefined> {
    const { exitCode, stdout, stderr } = await this.call(['-l']);
    if (exitCode === 0) return stdout;
    if (/^(crontab: )?no crontab for /m.test(stderr) || /can't open .*No such file/.test(stderr)) return undefined;
    throw unavailable(stderr);
  }

  private async call(args: readonly string[], input: Uint8Array = new Uint8Array()) {
    const options = { env: this.env, extendEnv: false, input, encoding: 'buffer', reject: false } as const;
    const result = await execa('crontab', args, { ...options, stripFinalNewline: false, timeout: commandTimeoutMs });
    const told = Buffer.from(result.stderr ?? [])
      .toString('utf8')
      .trim();
    const stderr = result.exitCode === undefined ? (result.shortMessage ?? 'it did not end') : told;
    return { exitCode: result.exitCode, stdout: Buffer.from(result.stdout ?? []), stderr };
  }
}

function unavailable(stderr: string): AppError {
  return new AppError('SCHEDULER_UNAVAILABLE', `the crontab cannot be read or written: ${stderr}`, {
    hint: 'install cron, or schedule with `--target systemd`; `nightshift doctor` says what is there',
  });
}
