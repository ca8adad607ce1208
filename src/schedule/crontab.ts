import { AppError } from '../core/errors.ts';
import { checkPlain, markerLine, parseMarkerLine, type Timer, type TimerMarker } from './timer.ts';

/** Debian's cron cuts off what is longer, in silence. */
const maxCommandBytes = 998;

export interface CrontabChange {
  readonly install: readonly Timer[];
  /** Ids of timers. */
  readonly remove: readonly string[];
}

/** A line with its end, byte for byte as latin1, and the timer of ours that it belongs to. */
interface Line {
  readonly raw: string;
  readonly id: string | undefined;
  readonly marker: TimerMarker | undefined;
}

export function timersInCrontab(crontab: Buffer): readonly TimerMarker[] {
  return linesOf(crontab).flatMap(({ marker }) => (marker === undefined ? [] : [marker]));
}

/**
 * Every line of others stays as it is, in its place. New lines of ours go in front of them: so no SHELL, PATH, MAILTO
 * or CRON_TZ of others holds for ours, and a last line without an end needs none.
 */
export function changedCrontab(crontab: Buffer, { install, remove }: CrontabChange): Buffer {
  const lines = linesOf(crontab);
  const blocks = new Map(install.map((timer) => [timer.id, binary(timerLines(timer))]));
  const whole = new Set([...blocks.keys()].filter((id) => textOf(lines, id) === blocks.get(id)));
  const placed = new Set<string>();
  const kept = lines.flatMap(({ raw, id }) => {
    if (id === undefined || whole.has(id)) return [raw];
    if (remove.includes(id)) return [];
    const block = blocks.get(id);
    if (block === undefined) return [raw];
    if (placed.has(id)) return [];
    placed.add(id);
    return [block];
  });
  const added = [...blocks].filter(([id]) => !whole.has(id) && !placed.has(id)).map(([, block]) => block);
  return Buffer.from([...added, ...kept].join(''), 'latin1');
}

/** The lines of one timer, all ended. */
export function timerLines(timer: Timer): string {
  const command = `${commandOf(timer)} # nightshift ${timer.id}`;
  if (Buffer.byteLength(command) > maxCommandBytes)
    throw new AppError(
      'USAGE',
      `the crontab line of ${timer.job} is longer than the ${maxCommandBytes} bytes of cron`,
      {
        hint: 'name fewer variables in schedule.service.environment, use shorter paths, or install with --target systemd',
      },
    );
  return [markerLine(timer), ...[...timer.cronTimes, '@reboot'].map((time) => `${time} ${command}`)]
    .map((line) => `${line}\n`)
    .join('');
}

function commandOf({ node, bin, args, folder, environment, logFile, jitterMs }: Timer): string {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${quoted(name, value)} `);
  const jitter = jitterMs === 0 ? [] : ['--jitter', `${jitterMs / 1000}s`];
  const words = [node, bin, ...args, ...jitter].map((word) => quoted('the path', word)).join(' ');
  return `cd ${quoted('the folder', folder)} && ${variables.join('')}${words} >>${quoted('the log', logFile)} 2>&1`;
}

/**
 * One word for `/bin/sh` on a crontab line. Cron takes the backslash of `\%` away, and some crons that of `\\` too: a
 * backslash of the value never stands before either.
 */
export function quoted(what: string, value: string): string {
  if (/^[\w@+=:,./-]+$/.test(checkPlain(what, value))) return value;
  const text = value.replaceAll(/['\\]/g, (character) => (character === "'" ? `'"'"'` : `\\''`));
  return `'${text}'`.replaceAll('%', '\\%');
}

/** Lines of one timer as they stand. */
function textOf(lines: readonly Line[], id: string): string {
  return lines.flatMap((line) => (line.id === id ? [line.raw] : [])).join('');
}

function linesOf(crontab: Buffer): readonly Line[] {
  const raws = crontab.toString('latin1').split(/(?<=\n)/);
  return raws.filter((raw) => raw !== '').map(lineOf);
}

function lineOf(raw: string): Line {
  const text = Buffer.from(raw, 'latin1')
    .toString('utf8')
    .replace(/\r?\n$/, '');
  const marker = parseMarkerLine(text);
  const id = marker?.id ?? /^[^#].* # nightshift ([0-9a-f]{8})$/s.exec(text)?.[1];
  return { raw, id, marker };
}

function binary(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
