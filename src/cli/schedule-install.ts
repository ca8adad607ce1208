import { homedir, tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { makeFolder } from '../core/files.ts';
import { cacheFolder, environment } from '../core/host.ts';
import { shellWord } from '../core/shell-word.ts';
import { cronFinding, systemdFinding } from '../run/doctor-schedulers.ts';
import { daemonZone } from '../schedule/daemon-zone.ts';
import { describeTimer } from '../schedule/describe-timer.ts';
import { survivingPath } from '../schedule/surviving-path.ts';
import { tickDigest } from '../schedule/tick-digest.ts';
import type { Timer } from '../schedule/timer.ts';
import type { TargetName, TimerStep, TimerTarget } from '../schedule/timer-target.ts';
import { chooseTarget, timerTargets } from '../schedule/timer-targets.ts';
import { aligned } from './aligned.ts';
import { openHistory } from './context.ts';
import type { Io } from './io.ts';
import { nextTickText } from './next-tick-text.ts';
import { openSpec } from './open-spec.ts';
import { diffText, planRemovals, stepRecords, type TargetPlan } from './schedule-changes.ts';
import { type ScheduledJob, scheduledJobs } from './scheduled-jobs.ts';
import { shownPath } from './shown-path.ts';
import { checkTimerEnvironment } from './timer-environment.ts';

export interface ScheduleInstallFlags {
  readonly target: TargetName | 'auto';
  readonly stateDir: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

interface InstallRequest {
  readonly spec: string;
  readonly names: readonly string[];
  readonly flags: ScheduleInstallFlags;
}

/** Installs what the jobs' schedules ask for, and takes the same jobs' timers out of other targets. */
export async function scheduleInstall(io: Io, request: InstallRequest): Promise<number> {
  const { flags } = request;
  const spec = await openSpec({ ...request, flags: flags.json === true ? { json: true } : {} });
  const jobs = scheduledJobs(spec, request.names);
  const { timers, warnings } = describeAll(jobs, request);
  for (const timer of timers) await checkTimerEnvironment(request.spec, timer);
  const targets = timerTargets(environment());
  const target = await chooseTarget(targets, flags.target);
  const plans: TargetPlan[] = [{ target, plan: await target.plan({ install: timers, remove: [] }) }];
  const ids = new Set(timers.map(({ id }) => id));
  const others = targets.filter((other) => other !== target);
  plans.push(...(await planRemovals(others, ({ id }) => ids.has(id))));
  const told = [...warnings, ...schedulerWarnings(target)];
  if (flags.dryRun !== true) {
    for (const folder of new Set(timers.map(({ logFile }) => dirname(logFile)))) await makeFolder(folder);
    for (const { target: each, plan } of plans) await each.apply(plan);
    await remember(jobs, target, request);
  }
  if (flags.json === true)
    io.out(`${JSON.stringify(installJson({ plans, timers, warnings: told, flags }), undefined, 2)}\n`);
  else io.out(flags.dryRun === true ? dryRunText(plans) : installText({ plans, timers, spec: request.spec }));
  if (flags.json !== true) for (const warning of told) io.err(`${io.paintErr('yellow', 'warning:')} ${warning}\n`);
  return 0;
}

function describeAll(jobs: readonly ScheduledJob[], { spec, flags }: InstallRequest) {
  const env = environment();
  const where = { searchPath: env['PATH'] ?? '', temporaryFolders: [tmpdir(), '/tmp', '/var/tmp'] };
  const node = survivingPath({ ...where, path: process.execPath, name: 'node' });
  const bin = survivingPath({ ...where, path: resolve(process.argv[1] ?? ''), name: 'nightshift' });
  const around = {
    ...{ spec: resolve(spec), node: node.path, bin: bin.path, env, home: env['HOME'] ?? homedir() },
    ...{
      stateFolder: resolve(flags.stateDir),
      cacheFolder: cacheFolder(),
      machineZone: daemonZone(),
      nowMs: Date.now(),
    },
  };
  const warnings = [node.warning, bin.warning].flatMap((warning) => warning ?? []);
  return { timers: jobs.map((job) => describeTimer(job, around)), warnings };
}

function schedulerWarnings(target: TimerTarget): readonly string[] {
  if (target.name === 'systemd-system') return [];
  const { status, text, fix } = target.name === 'cron' ? cronFinding(environment()) : systemdFinding();
  return status === 'ok' ? [] : [`${target.name}: ${text}${fix === undefined ? '' : `; ${fix}`}`];
}

interface Installed {
  readonly plans: readonly TargetPlan[];
  readonly timers: readonly Timer[];
}

function installJson({
  plans,
  timers,
  warnings,
  flags,
}: Installed & { readonly warnings: readonly string[]; readonly flags: ScheduleInstallFlags }): object {
  const next = timers.map((timer) => ({ job: timer.job, next: nextTickText(timer) ?? null }));
  const changes = plans.flatMap(({ plan }) => plan.changes.map(({ name }) => name));
  const diff = flags.dryRun === true ? { diff: diffText(plans) } : {};
  return { v: 1, dryRun: flags.dryRun === true, timers: stepRecords(plans), next, changes, ...diff, warnings };
}

function dryRunText(plans: readonly TargetPlan[]): string {
  return diffText(plans) || 'nothing would change\n';
}

function installText({ plans, timers, spec }: Installed & { readonly spec: string }): string {
  const steps = plans.flatMap(({ target, plan }) => plan.steps.map((step) => ({ ...step, target: target.name })));
  const rows = steps.map((step) => [
    step.job,
    step.did,
    `${step.did === 'removed' ? 'from ' : ''}${step.target}`,
    nextText(step, timers),
  ]);
  const looks = [...new Set(plans[0]?.plan.steps.flatMap(({ look }) => look) ?? [])];
  const logs = plans[0]?.target.name === 'cron' ? timers.map(({ logFile }) => `see  ${logFile}`) : [];
  const undo = `nightshift schedule remove ${shellWord(shownPath(resolve(spec), process.cwd()))}`;
  return `${aligned(rows, { indent: 0 })}${[...looks.map((look) => `see  ${look}`), ...logs, `undo ${undo}`].join('\n')}\n`;
}

function nextText({ id, did }: TimerStep, timers: readonly Timer[]): string {
  const timer = timers.find((candidate) => candidate.id === id);
  if (timer === undefined || did === 'removed') return '';
  return `next ${nextTickText(timer) ?? 'never'}`;
}

/** Ticks count from now on; those of a schedule that was here before with the same ticks go on to. */
async function remember(jobs: readonly ScheduledJob[], target: TimerTarget, { spec, flags }: InstallRequest) {
  using history = await openHistory(resolve(flags.stateDir));
  const nowMs = Date.now();
  for (const { name, schedule } of jobs) {
    const key = { specPath: resolve(spec), job: name };
    const digest = tickDigest(schedule);
    const known = history.schedule(key);
    const isSame = known?.digest === digest && known.target !== 'none';
    history.saveSchedule({
      ...key,
      digest,
      target: target.name,
      installedAtMs: isSame ? known.installedAtMs : nowMs,
      pausedAtMs: known?.pausedAtMs,
      updatedAtMs: nowMs,
    });
  }
}
