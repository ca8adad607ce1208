import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { shownState, shownStates } from '../../src/history/contract.ts';
import { historyFile, openSqliteHistory } from '../../src/history/sqlite-history.ts';
import { root } from '../e2e/nightshift.ts';
import { describeHistory } from './history-suite.ts';
import { runStart } from './run-start.ts';

let folder = '';
let opened = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'nightshift-history-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const newFolder = () => join(folder, String(opened++), 'state');
const writer = join(import.meta.dirname, 'write-runs.ts');

describeHistory('SQLite', (alive) => openSqliteHistory({ stateFolder: newFolder(), alive }));

it('reads a file that the first version wrote', () => {
  const stateFolder = mkdtempSync(join(folder, 'old-'));
  using old = new DatabaseSync(join(stateFolder, historyFile));
  old.exec(readFileSync(join(root, 'fixtures/history/v1.sql'), 'utf8'));
  using history = openSqliteHistory({ stateFolder });
  expect(history.listRuns({})).toMatchObject([
    { runId: '20261125T013000Z-2b0001', state: 'failed', errorCode: 'INPUT_NOT_FOUND', trigger: 'schedule' },
    { runId: '20261124T013000Z-1a0001', state: 'published', rowsOut: 12028, logicalDateMs: 1795483800000 },
  ]);
  expect(history.ticks({ specPath: '/srv/jobs.yaml', job: 'flights' }, { fromMs: 0, toMs: 2e12 })).toHaveLength(2);
  expect(history.schedules()).toMatchObject([{ target: 'systemd' }]);
  expect(history.beginRun(runStart({ logicalDate: '2026-11-24T02:30:00+01:00' }))).toBe(3);
});

it('is unavailable when the file is damaged, cannot be made, or holds a record that is none', () => {
  const damaged = mkdtempSync(join(folder, 'damaged-'));
  writeFileSync(join(damaged, historyFile), 'not a database, '.repeat(100));
  expect(() => openSqliteHistory({ stateFolder: damaged })).toThrow(
    expect.objectContaining({
      code: 'HISTORY_UNAVAILABLE',
      exitCode: 4,
      hint: expect.stringContaining('move the file'),
    }),
  );
  expect(() => openSqliteHistory({ stateFolder: '/proc/nightshift' })).toThrow(
    expect.objectContaining({ code: 'HISTORY_UNAVAILABLE', hint: expect.stringContaining('--state-dir') }),
  );
  const stateFolder = newFolder();
  using history = openSqliteHistory({ stateFolder });
  history.beginRun(runStart());
  using db = new DatabaseSync(join(stateFolder, historyFile));
  db.exec(`UPDATE runs SET state = 'asleep'`);
  expect(() => history.listRuns({})).toThrow(expect.objectContaining({ code: 'HISTORY_UNAVAILABLE' }));
});

it('loses nothing of several processes that begin it and write at once', async () => {
  const stateFolder = newFolder();
  const names = ['a', 'b', 'c'];
  const writers = names.map((name) => execa(process.execPath, [writer, stateFolder, name, '60']));
  for (const { exitCode, stderr } of await Promise.all(writers))
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  using history = openSqliteHistory({ stateFolder });
  const runs = history.listRuns({});
  expect(new Set(runs.map(({ runId }) => runId)).size).toBe(180);
  expect(runs.filter(({ state }) => state === 'published')).toHaveLength(90);
  // Each tick was decided by one of them.
  expect(history.ticks({ specPath: '/s', job: 'j' }, { fromMs: 0, toMs: 100 })).toHaveLength(60);
});

it('has every record that was told of after its process was killed, and none that is half', async () => {
  const stateFolder = newFolder();
  for (const killAfter of [1, 7, 30]) {
    const child = execa(process.execPath, [writer, stateFolder, String(killAfter), '100000'], { reject: false });
    const told: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => {
      told.push(line);
      if (told.length === killAfter) child.kill('SIGKILL');
    });
    expect((await child).signal).toBe('SIGKILL');
    using history = openSqliteHistory({ stateFolder });
    const runs = history.listRuns({}).filter(({ runId }) => runId.startsWith(`${killAfter}-`));
    expect(runs.map(({ runId }) => runId)).toEqual(expect.arrayContaining(told));
    // Those that say running are of a process that is dead.
    expect(history.listRuns({ state: 'running' })).toEqual([]);
    using db = new DatabaseSync(join(stateFolder, historyFile));
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  }
});

it.each([
  ['running', true, 'running'],
  ['running', 'unknown', 'running'],
  ['running', false, 'died'],
  ['published', false, 'published'],
] as const)('shows %s as what it is when its process lives: %s', (state, alive, shown) => {
  expect(shownState({ ...runStart(), state }, () => alive)).toBe(shown);
  expect(shownStates).toContain(shown);
});
