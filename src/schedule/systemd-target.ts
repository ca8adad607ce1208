import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { makeFolder, readIfPresent, systemCode, writeError, writeFileAtomic } from '../core/files.ts';
import { Systemctl, type SystemdOptions } from './systemctl.ts';
import { type Manager, renderUnits, timerOfUnit, unitName } from './systemd-units.ts';
import type { Timer, TimerMarker } from './timer.ts';
import { stepsOf, type TextChange, type TimerChange, type TimerPlan, type TimerTarget } from './timer-target.ts';

/** Units of a systemd manager, each timer a `.timer` and the `.service` that it starts. */
export class SystemdTarget implements TimerTarget {
  readonly name: 'systemd' | 'systemd-system';
  private readonly options: SystemdOptions;
  private readonly systemctl: Systemctl;

  constructor(options: SystemdOptions) {
    this.options = options;
    this.name = options.kind === 'user' ? 'systemd' : 'systemd-system';
    this.systemctl = new Systemctl(options);
  }

  async isAvailable(): Promise<boolean> {
    return this.systemctl.isThere();
  }

  async read(): Promise<readonly TimerMarker[]> {
    const names = await readdir(this.options.folder).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT' || systemCode(error) === 'EACCES') return [];
      throw error;
    });
    const timers = names.filter((name) => /^nightshift-.*\.timer$/.test(name)).sort();
    const texts = await Promise.all(timers.map((name) => readIfPresent(join(this.options.folder, name))));
    return texts.flatMap((text) => (text === undefined ? [] : (timerOfUnit(text) ?? [])));
  }

  async plan(change: TimerChange): Promise<TimerPlan> {
    const present = await this.read();
    const canIsolate = change.install.length > 0 && (await this.systemctl.canIsolate());
    const changes: TextChange[] = [];
    const same = new Set<string>();
    for (const timer of change.install) {
      const found = await this.changesFor(timer, { kind: this.options.kind, canIsolate });
      changes.push(...found);
      if (found.length === 0 && (await this.systemctl.isRunning(timerUnit(timer)))) same.add(timer.id);
    }
    const leaving = present.filter(({ id }) => change.remove.includes(id));
    // Before anything is written elsewhere: a timer that moves must not stay behind.
    if (leaving.length > 0) await this.systemctl.checkThere();
    for (const timer of leaving) changes.push(...(await this.removalsOf(timer)));
    const scope = this.options.kind === 'user' ? '--user ' : '';
    const steps = stepsOf(change, present, {
      isSame: ({ id }) => same.has(id),
      look: (timer) => [
        `systemctl ${scope}list-timers ${timerUnit(timer)}`,
        `journalctl ${scope}-u ${unitName(timer)}.service`,
      ],
    });
    return { steps, changes };
  }

  async apply({ steps, changes }: TimerPlan): Promise<void> {
    const done = steps.filter(({ did }) => did !== 'unchanged');
    if (done.length === 0) return;
    for (const { name, before } of changes) await checkUnchanged(name, before);
    for (const step of done.filter(({ did }) => did === 'removed')) await this.systemctl.stop(timerUnit(step));
    if (changes.some(({ after }) => after !== undefined)) await makeFolder(this.options.folder);
    for (const { name, after } of changes) {
      if (after !== undefined) await writeFileAtomic(name, after.toString('utf8'));
      else
        await rm(name, { force: true }).catch((error: unknown) => {
          throw writeError(error, name);
        });
    }
    await this.systemctl.reload();
    for (const step of done.filter(({ did }) => did !== 'removed')) await this.systemctl.start(timerUnit(step));
  }

  private async changesFor(timer: Timer, manager: Manager): Promise<readonly TextChange[]> {
    const units = renderUnits(timer, manager);
    const base = join(this.options.folder, unitName(timer));
    const wanted = [
      [`${base}.service`, units.service],
      [`${base}.timer`, units.timer],
    ] as const;
    const found = await Promise.all(
      wanted.map(async ([name, text]) => ({ name, text, now: await readIfPresent(name) })),
    );
    return found
      .filter(({ text, now }) => text !== now)
      .map(({ name, text, now }) => ({ name, before: bytesOf(now), after: Buffer.from(text) }));
  }

  private async removalsOf(timer: TimerMarker): Promise<readonly TextChange[]> {
    const base = join(this.options.folder, unitName(timer));
    const names = [`${base}.timer`, `${base}.service`];
    const found = await Promise.all(names.map(async (name) => ({ name, before: bytesOf(await readIfPresent(name)) })));
    return found.filter(({ before }) => before !== undefined).map((change) => ({ ...change, after: undefined }));
  }
}

function timerUnit(timer: Pick<TimerMarker, 'id' | 'job'>): string {
  return `${unitName(timer)}.timer`;
}

function bytesOf(text: string | undefined): Buffer | undefined {
  return text === undefined ? undefined : Buffer.from(text);
}

async function checkUnchanged(name: string, before: Buffer | undefined): Promise<void> {
  const now = await readIfPresent(name);
  if (now === before?.toString('utf8')) return;
  throw new AppError('SCHEDULE_CHANGED', `somebody else changed ${name} in between; nothing was written`, {
    hint: 'run the same command again',
  });
}
