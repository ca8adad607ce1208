import { AppError } from '../core/errors.ts';
import { plainFolder, plainValue, quotedArgument, quotedWord } from './systemd-quote.ts';
import { markerLine, parseMarkerLine, type Timer, type TimerMarker } from './timer.ts';

/** The manager that is to run the units. */
export interface Manager {
  readonly kind: 'user' | 'system';
  /** Whether a service may get a view of the files of its own: users need user namespaces for that. */
  readonly canIsolate: boolean;
}

export interface Units {
  readonly service: string;
  readonly timer: string;
}

const maxJobLength = 150;
/** Time for other things of a boot to come up before a run that was cut off goes on. */
const afterStart = '2min';

/** The name of both units, without `.service` and `.timer`. */
export function unitName({ id, job }: Pick<TimerMarker, 'id' | 'job'>): string {
  return `nightshift-${job.slice(0, maxJobLength)}-${id}`;
}

/** What a unit that we wrote says of its timer. */
export function timerOfUnit(unit: string): TimerMarker | undefined {
  return parseMarkerLine(unit.split('\n', 1)[0] ?? '');
}

/** @throws AppError USAGE for what a unit cannot hold or this manager cannot do */
export function renderUnits(timer: Timer, manager: Manager): Units {
  const description = plainValue('the path', `nightshift: ${timer.spec}, job ${timer.job}`);
  return {
    service: section(timer, [
      ['Unit', [`Description=${description}`, ...onFailure(timer)]],
      [
        'Service',
        [...callLines(timer), ...endLines(timer), ...shareLines(timer, manager), ...fenceLines(timer, manager)],
      ],
    ]),
    timer: section(timer, [
      ['Unit', [`Description=${description}`]],
      ['Timer', timerSettings(timer, manager)],
      ['Install', ['WantedBy=timers.target']],
    ]),
  };
}

function section(timer: Timer, parts: readonly (readonly [name: string, lines: readonly string[]])[]): string {
  const texts = parts.map(([name, lines]) => `\n[${name}]\n${lines.join('\n')}\n`);
  return `${markerLine(timer)}\n# Written by \`nightshift schedule install\`, which replaces it; \`nightshift schedule remove\` takes it away.\n${texts.join('')}`;
}

function onFailure({ service: { onFailure } }: Timer): readonly string[] {
  if (onFailure === undefined) return [];
  if (!onFailure.endsWith('\\')) return [`OnFailure=${onFailure}`];
  throw new AppError('USAGE', `schedule.service.onFailure ${onFailure} is not the name of a systemd unit`, {
    hint: 'name a unit such as alert@%n.service',
  });
}

function callLines({ node, bin, args, folder, environment, job }: Timer): readonly string[] {
  // In the first word systemd fills no variables, so its `$` stays single.
  const words = [quotedWord('the path', node), ...[bin, ...args].map((word) => quotedArgument('the path', word))];
  return [
    'Type=oneshot',
    `ExecStart=${words.join(' ')}`,
    `WorkingDirectory=${plainFolder('the folder', folder)}`,
    ...Object.entries(environment).map(([name, value]) => `Environment=${quotedWord(name, `${name}=${value}`)}`),
    'StandardOutput=journal',
    `SyslogIdentifier=nightshift-${job}`,
  ];
}

function endLines({ timeoutMs }: Timer): readonly string[] {
  return [
    `TimeoutStartSec=${timeoutMs === undefined ? 'infinity' : Math.ceil(timeoutMs / 1000)}`,
    'KillMode=mixed',
    'KillSignal=SIGTERM',
    'TimeoutStopSec=30',
    '# 75: another run holds the output, and the next call looks again. 143: it was stopped, and the next call goes on.',
    'SuccessExitStatus=75 143',
  ];
}

/** How the call shares the machine with others. */
function shareLines({ service }: Timer, { kind }: Manager): readonly string[] {
  const { nice, ioSchedulingClass, memoryMax } = service;
  const needs = nice !== undefined && nice < 0 ? 'nice below 0' : 'ioSchedulingClass realtime';
  if (kind === 'user' && ((nice ?? 0) < 0 || ioSchedulingClass === 'realtime'))
    throw new AppError('USAGE', `schedule.service: ${needs} is not for timers of a user`, {
      hint: 'leave it out, or install with --target systemd-system as root',
    });
  return [
    ...(nice === undefined ? [] : [`Nice=${nice}`]),
    ...(ioSchedulingClass === undefined ? [] : [`IOSchedulingClass=${ioSchedulingClass}`]),
    ...(memoryMax === undefined ? [] : [`MemoryMax=${memoryMax}`]),
  ];
}

/** What the call may not do. A user's manager ignores the rest in silence where it has no user namespaces. */
function fenceLines({ writable, temporaryPath }: Timer, { kind, canIsolate }: Manager): readonly string[] {
  if (!canIsolate)
    return [
      'NoNewPrivileges=true',
      '# Without user namespaces this manager could not keep folders from being written.',
    ];
  const shown = temporaryPath === undefined ? undefined : JSON.stringify(temporaryPath);
  const temporary =
    shown === undefined
      ? ['PrivateTmp=true']
      : [`# No PrivateTmp: it would hide ${shown}, which the job needs.`, 'ReadWritePaths=/tmp /var/tmp'];
  return [
    'NoNewPrivileges=true',
    ...(kind === 'user' ? ['# A user’s service has no view of files of its own without.', 'PrivateUsers=true'] : []),
    ...temporary,
    'ProtectSystem=strict',
    'ProtectHome=read-only',
    // A folder that is gone is for the run to tell, which can; systemd only says NAMESPACE.
    ...writable.map((folder) => `ReadWritePaths=${quotedWord('the folder', `-${folder}`)}`),
  ];
}

function timerSettings(timer: Timer, { kind }: Manager): readonly string[] {
  return [
    ...timer.calendars.map((calendar) => `OnCalendar=${plainValue('the calendar expression', calendar)}`),
    'Persistent=true',
    '# A run that a crash cut off is gone on with after the next start.',
    kind === 'user' ? `OnStartupSec=${afterStart}` : `OnBootSec=${afterStart}`,
    // A tick is no place to save power by waking up late: that is what jitter says.
    'AccuracySec=1s',
    ...(timer.jitterMs === 0 ? [] : [`RandomizedDelaySec=${timer.jitterMs}ms`, 'FixedRandomDelay=true']),
    `Unit=${unitName(timer)}.service`,
  ];
}
