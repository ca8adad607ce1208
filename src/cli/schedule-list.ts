import { existsSync } from 'node:fs';
import { messageOf } from '../core/errors.ts';
import { environment } from '../core/host.ts';
import { nextTick } from '../schedule/ticks-stand-in.ts';
import { type TimerMarker, timerDigest } from '../schedule/timer.ts';
import { timerTargets } from '../schedule/timer-targets.ts';
import { loadSpec } from '../spec/load-spec.ts';
import { aligned } from './aligned.ts';
import type { Io } from './io.ts';
import { instantText } from './schedule-text.ts';
import { shownPath } from './shown-path.ts';

interface ListedTimer extends TimerMarker {
  readonly target: string;
  /** Undefined where only systemd knows. */
  readonly next: string | undefined;
  /** What it no longer agrees with; empty when all is well. */
  readonly drift: readonly string[];
}

export async function scheduleList(io: Io, flags: { readonly json?: boolean }): Promise<number> {
  const timers: ListedTimer[] = [];
  for (const target of timerTargets(environment()))
    for (const timer of await target.read())
      timers.push({ ...timer, target: target.name, next: nextOf(timer), drift: await driftOf(timer) });
  if (flags.json === true) io.out(`${JSON.stringify({ v: 1, timers: timers.map(listRecord) }, undefined, 2)}\n`);
  else io.out(timers.length === 0 ? 'no timer is installed\n' : listText(timers, io));
  return 0;
}

function nextOf({ when, timeZone }: TimerMarker): string | undefined {
  const at = nextTick(when, timeZone, Date.now());
  return at === undefined ? undefined : instantText(at, timeZone);
}

async function driftOf(timer: TimerMarker): Promise<readonly string[]> {
  const programs = [
    ...(existsSync(timer.node) ? [] : ['node is gone']),
    ...(existsSync(timer.bin) ? [] : ['nightshift is gone']),
  ];
  return [...programs, ...(await specDrift(timer))];
}

async function specDrift({ spec: path, job: name, digest }: TimerMarker): Promise<readonly string[]> {
  if (!existsSync(path)) return ['spec is gone'];
  try {
    const spec = await loadSpec({ path, env: environment() });
    const job = spec.jobs.find((candidate) => candidate.name === name);
    if (job === undefined) return ['job is gone from the spec'];
    if (job.schedule === undefined) return ['job has no schedule any more'];
    return timerDigest(job) === digest ? [] : ['spec changed since install'];
  } catch (error) {
    return [`spec cannot be read: ${messageOf(error)}`];
  }
}

/** What became of the last run comes from the history, in a key of its own. */
function listRecord({ job, spec, target, when, timeZone, next, drift, id, node, bin }: ListedTimer): object {
  return { job, spec, target, when, timeZone, next: next ?? null, drift, id, node, bin };
}

function listText(timers: readonly ListedTimer[], io: Io): string {
  const rows = timers.map(({ job, spec, target, when, timeZone, next, drift }) => [
    job,
    shownPath(spec, process.cwd()),
    target,
    `${when} ${timeZone}`,
    next === undefined ? '' : `next ${next}`,
    drift.length === 0 ? 'ok' : io.paintOut('yellow', drift.join(', ')),
  ]);
  return aligned(rows, { indent: 0 });
}
