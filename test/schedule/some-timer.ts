import type { Timer } from '../../src/schedule/timer.ts';
import { timerId } from '../../src/schedule/timer.ts';

/** A timer with everything that a spec can ask for, unless told otherwise. */
export function someTimer(changes: Partial<Timer> = {}): Timer {
  const { spec = '/srv/models/jobs.yaml', job = 'late-flights' } = changes;
  return {
    ...{
      v: 1,
      id: timerId(spec, job),
      spec,
      job,
      when: '30 2 * * *',
      timeZone: 'Europe/Paris',
      digest: '0123456789abcdef',
    },
    ...{ node: '/usr/bin/node', bin: '/usr/local/bin/nightshift' },
    args: ['schedule', 'run-due', spec, job, '--state-dir', '/home/ada/.local/state/nightshift'],
    folder: '/srv/models',
    environment: { HOME: '/home/ada', PATH: '/usr/local/bin:/usr/bin:/bin', MODELS: '/srv/my models/100%' },
    logFile: '/home/ada/.local/state/nightshift/logs/late-flights.log',
    cronTimes: ['30 * * * *'],
    calendars: ['*-*-* 02:30:00 Europe/Paris'],
    jitterMs: 300_000,
    timeoutMs: 14_400_000,
    service: {
      environment: ['MODELS'],
      nice: 10,
      ioSchedulingClass: 'idle',
      memoryMax: 16e9,
      onFailure: 'alert@%n.service',
    },
    writable: ['/srv/my models/out', '/home/ada/.local/state/nightshift'],
    ...changes,
  };
}
