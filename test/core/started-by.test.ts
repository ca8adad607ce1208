import { expect, it } from 'vitest';
import { ownStarter } from '../../src/core/host.ts';
import { type StartFacts, startedBy, starters } from '../../src/core/started-by.ts';

const shell = [
  { pid: 90, name: 'bash' },
  { pid: 80, name: 'sshd' },
  { pid: 1, name: 'systemd' },
];
const desktop = [
  { pid: 90, name: 'bash' },
  { pid: 70, name: 'gnome-terminal-' },
  { pid: 1, name: 'systemd' },
];
const service = [{ pid: 1, name: 'systemd' }];
const cron = [
  { pid: 60, name: 'sh' },
  { pid: 50, name: 'cron' },
  { pid: 40, name: 'cron' },
  { pid: 1, name: 'systemd' },
];
const unit = { INVOCATION_ID: 'abc', SYSTEMD_EXEC_PID: '100' };

it.each<[string, string, Partial<StartFacts>]>([
  ['a person at a terminal', 'shell', { isInteractive: true, hasTerminal: true }],
  ['a person, with all streams in files', 'script', { hasTerminal: true }],
  [
    'a person in a terminal of the desktop',
    'shell',
    {
      isInteractive: true,
      hasTerminal: true,
      ancestors: desktop,
      env: { INVOCATION_ID: 'abc', SYSTEMD_EXEC_PID: '70' },
    },
  ],
  [
    'the same, with all streams in files',
    'script',
    { hasTerminal: true, ancestors: desktop, env: { INVOCATION_ID: 'abc', SYSTEMD_EXEC_PID: '70' } },
  ],
  ['a service', 'systemd', { ancestors: service, env: unit }],
  [
    'a script that is a service',
    'systemd',
    { ancestors: [{ pid: 99, name: 'sh' }, ...service], env: { ...unit, SYSTEMD_EXEC_PID: '99' } },
  ],
  ['a service of an older systemd', 'systemd', { ancestors: service, env: { INVOCATION_ID: 'abc' } }],
  [
    'what inherited the variables of a service that is none of its ancestors',
    'script',
    { env: { ...unit, SYSTEMD_EXEC_PID: '12345' } },
  ],
  ['what only has one of them', 'script', { ancestors: service, env: { SYSTEMD_EXEC_PID: '100' } }],
  ['cron', 'cron', { ancestors: cron }],
  ['cron, which is a service', 'cron', { ancestors: cron, env: { INVOCATION_ID: 'abc', SYSTEMD_EXEC_PID: '40' } }],
  ['cron of another family', 'cron', { ancestors: [{ pid: 2, name: 'crond' }] }],
  ['a job of CI', 'ci', { env: { CI: 'true' }, ancestors: cron }],
  ['what says that it is no CI', 'script', { env: { CI: 'false' } }],
  ['who knows', 'unknown', { ancestors: [] }],
])('%s starts it: %s', (_who, expected, facts) => {
  const nobody = { env: {}, pid: 100, isInteractive: false, hasTerminal: false, ancestors: shell };
  expect(startedBy({ ...nobody, ...facts })).toBe(expected);
});

it('is found out of this process', () => {
  expect(starters).toContain(ownStarter());
  expect(ownStarter({ CI: '1' })).toBe('ci');
});
