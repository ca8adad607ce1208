import { resolve } from 'node:path';
import type { Command } from 'commander';
import { tickDigest } from '../schedule/tick-digest.ts';
import { runAction } from './action.ts';
import { withHelp } from './help-text.ts';
import { addSpecArguments, stateFolderOption } from './spec-options.ts';

interface PauseFlags {
  readonly json?: boolean;
  readonly stateDir: string;
}

const texts = {
  pause: {
    summary: 'let the schedule of jobs pass on this machine for now',
    description: `Lets the schedule of jobs pass on this machine, until \`schedule resume\`. Timers stay installed and a run that goes on
is not stopped. What passes meanwhile is not made up for. \`schedule.suspend: true\` in the spec does it on every machine.`,
    done: 'paused',
    already: 'is paused already',
  },
  resume: {
    summary: 'let the schedule of paused jobs go on',
    description: 'Lets the schedule of paused jobs go on; what passed meanwhile is not made up for.',
    done: 'resumed',
    already: 'is not paused',
  },
} as const;

export function addSchedulePauseCommand(group: Command, name: 'pause' | 'resume'): void {
  const { summary, description, done, already } = texts[name];
  const command = group.command(name).summary(summary).description(description);
  addSpecArguments(command)
    .option('--json', 'print one JSON document')
    .addOption(stateFolderOption())
    .action((path: string, names: readonly string[], flags: PauseFlags) =>
      runAction(flags, async (io) => {
        const { openSpec } = await import('./open-spec.ts');
        const { scheduledJobs } = await import('./scheduled-jobs.ts');
        const { openHistory } = await import('./context.ts');
        const spec = await openSpec({ spec: path, names, flags: {} });
        const jobs = scheduledJobs(spec, names);
        using history = await openHistory(resolve(flags.stateDir));
        const nowMs = Date.now();
        const changed = jobs.map(({ name: job, schedule }) => {
          const key = { specPath: resolve(spec.path), job };
          const known = history.schedule(key);
          const isPaused = known?.pausedAtMs !== undefined;
          if (isPaused === (name === 'pause')) return { job, hasChanged: false };
          history.saveSchedule({
            ...key,
            target: known?.target ?? 'none',
            digest: known?.digest ?? tickDigest(schedule),
            // Ticks from before are nobody's business when the schedule goes on.
            installedAtMs: name === 'resume' || known === undefined ? nowMs : known.installedAtMs,
            pausedAtMs: name === 'pause' ? nowMs : undefined,
            updatedAtMs: nowMs,
          });
          return { job, hasChanged: true };
        });
        if (flags.json === true) io.out(`${JSON.stringify({ v: 1, action: name, jobs: changed }, undefined, 2)}\n`);
        else for (const { job, hasChanged } of changed) io.err(`${job} ${hasChanged ? done : already}\n`);
        return 0;
      }),
    );
  withHelp(command, {
    examples: [
      [`nightshift schedule ${name} jobs.yaml late-flights`, 'one job'],
      [`nightshift schedule ${name}`, 'all jobs of jobs.yaml that have a schedule'],
    ],
  });
}
