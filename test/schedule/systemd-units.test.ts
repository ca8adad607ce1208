import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainFolder, quotedArgument, quotedWord } from '../../src/schedule/systemd-quote.ts';
import { type Manager, renderUnits, timerOfUnit, unitName } from '../../src/schedule/systemd-units.ts';
import type { Timer } from '../../src/schedule/timer.ts';
import { temporaryFolder } from '../e2e/nightshift.ts';
import { someTimer } from './some-timer.ts';

const managers: Readonly<Record<string, Manager>> = {
  user: { kind: 'user', canIsolate: true },
  'user-without-namespaces': { kind: 'user', canIsolate: false },
  system: { kind: 'system', canIsolate: true },
};

const value = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom('%', '\\', "'", '"', '$', ' ', '\t', '#', ';', '{'),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
    ),
  })
  .filter((text) => !/(?!\t)\p{Cc}/u.test(text));

/** A word in double quotes as systemd reads it: backslashes, then specifiers. */
function unquoted(word: string): string {
  const inner = /^"((?:[^"\\]|\\["\\])*)"$/s.exec(word)?.[1];
  expect(inner, word).toBeDefined();
  const text = inner?.replaceAll(/\\(.)/g, '$1') ?? '';
  expect(text.replaceAll('%%', '')).not.toContain('%');
  return text.replaceAll('%%', '%');
}

describe.each(Object.entries(managers))('units for %s', (name, manager) => {
  it.each(['service', 'timer'] as const)('are what they were: %s', async (kind) => {
    const unit = renderUnits(someTimer(), manager)[kind];
    await expect(unit).toMatchFileSnapshot(join(import.meta.dirname, `golden/${name}.${kind}`));
  });

  it.for<readonly [string, Partial<Timer>]>([
    ['with all that a spec can say', {}],
    ['with nothing but a time', { jitterMs: 0, service: { environment: [] }, environment: {}, writable: [] }],
    [
      'for paths in a temporary folder',
      { temporaryPath: '/tmp/in.parquet', calendars: ['daily UTC', 'Mon..Fri 22:30 Asia/Kolkata'] },
    ],
    ['with awkward names', { folder: '/tmp', environment: { A: `"'\\ $HOME %n ; # ü\t` }, job: 'a.b-c_d' }],
  ])('pass systemd-analyze: %s', async ([, changes], { skip }) => {
    await using folder = await temporaryFolder();
    const timer = someTimer({ node: process.execPath, ...changes });
    const units = renderUnits(timer, manager);
    const files = [`${unitName(timer)}.service`, `${unitName(timer)}.timer`].map((file) => join(folder.path, file));
    await writeFile(files[0] ?? '', units.service);
    await writeFile(files[1] ?? '', units.timer);
    await writeFile(join(folder.path, 'alert@.service'), '[Service]\nType=oneshot\nExecStart=/bin/true\n');
    const result = await execa('systemd-analyze', ['verify', '--man=no', ...files], {
      reject: false,
      env: { SYSTEMD_LOG_LEVEL: 'warning' },
    });
    skip(result.code === 'ENOENT', 'systemd-analyze is not installed');
    expect({ exitCode: result.exitCode, stderr: result.stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  it('say what they were made from', () => {
    fc.assert(
      fc.property(
        value.map((text) => `/srv/${text}/jobs.yaml`),
        value,
        (spec, other) => {
          const timer = someTimer({ spec, folder: `/srv/${other}`, environment: { A: other } });
          const units = renderUnits(timer, manager);
          for (const unit of [units.service, units.timer])
            expect(timerOfUnit(unit)).toMatchObject({ spec, id: timer.id });
          const words = /^Environment=([^\n]*)\n/m.exec(units.service)?.[1] ?? '';
          expect(unquoted(words)).toBe(`A=${other}`);
          expect(units.service.split('\n').filter((line) => line.endsWith('\\'))).toEqual([]);
        },
      ),
    );
  });

  it.each(['\n', '\0', '\r', '\u0085'])('hold no %j', (control) => {
    for (const changes of [{ folder: `/srv/a${control}b` }, { environment: { A: control } }, { bin: `/x${control}` }])
      expect(() => renderUnits(someTimer(changes), manager)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('values in units', () => {
  it('come out of the quotes as they went in', () => {
    fc.assert(
      fc.property(value, (text) => {
        expect(unquoted(quotedWord('the value', text))).toBe(text);
      }),
    );
  });

  it('name no variable in a command', () => {
    fc.assert(
      fc.property(value, (text) => {
        const word = quotedArgument('the value', text);
        expect(word.replaceAll('$$', '')).not.toContain('$');
        expect(unquoted(word.replaceAll('$$', '$'))).toBe(text);
      }),
    );
  });

  it.each([
    ['/a b', '/a b'],
    ['/a ', '/a /'],
    ['/a\\', '/a\\/'],
    ['/100%', '/100%%'],
  ])('of a folder: %j is %j', (folder, text) => expect(plainFolder('the folder', folder)).toBe(text));

  it('that no manager of a user can give are refused, and not ignored as systemd does', () => {
    for (const service of [
      { environment: [], nice: -5 },
      { environment: [], ioSchedulingClass: 'realtime' as const },
    ]) {
      expect(() => renderUnits(someTimer({ service }), { kind: 'user', canIsolate: true })).toThrow(
        'not for timers of a user',
      );
      expect(renderUnits(someTimer({ service }), { kind: 'system', canIsolate: true }).service).toMatch(
        /^(Nice=-5|IOSchedulingClass=realtime)$/m,
      );
    }
  });

  it('keep a unit’s name within what systemd takes', () => {
    expect(unitName({ id: '01234567', job: 'j'.repeat(400) }).length).toBeLessThan(200);
  });
});
