import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { nightshift, root } from '../e2e/nightshift.ts';

const commands = buildProgram().commands.map((command) => command.name());

function run(...args: readonly string[]) {
  return nightshift(args, { cwd: root });
}

describe('help', () => {
  it('goes to stdout when it is asked for', async () => {
    const { exitCode, stdout, stderr } = await run('--help');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    for (const name of commands) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(stdout).toContain('Examples:');
    expect(stdout).toContain('Exit codes:');
  });

  it('goes to stderr when there is no command', async () => {
    const { exitCode, stdout, stderr } = await run();
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('Usage: nightshift');
  });

  it.each(commands)('of %s has examples, and says what every option does', async (name) => {
    const { exitCode, stdout } = await run(name, '--help');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Examples:\n');
    const command = buildProgram().commands.find((candidate) => candidate.name() === name);
    expect(command?.options.filter((option) => option.description === '')).toEqual([]);
    expect(command?.registeredArguments.filter((argument) => argument.description === '')).toEqual([]);
  });

  const inner = buildProgram().commands.flatMap((group) => group.commands.map((command) => [group, command] as const));
  it.each(inner.map(([group, command]) => [group.name(), command.name()]))(
    'of %s %s has examples, and says what every option does',
    async (group, name) => {
      const { exitCode, stdout } = await run(group, name, '--help');
      expect(exitCode).toBe(0);
      expect(stdout).toContain('Examples:\n');
      const command = inner.find(([outer, found]) => outer.name() === group && found.name() === name)?.[1];
      expect(command?.options.filter((option) => option.description === '')).toEqual([]);
      expect(command?.registeredArguments.filter((argument) => argument.description === '')).toEqual([]);
    },
  );

  it('of a command can be had as `help command`', async () => {
    const { exitCode, stdout } = await run('help', 'run');
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: (await run('run', '--help')).stdout });
    expect(stdout).toContain('Exit codes:');
  });

  it('has no colours in a pipe', async () => {
    expect((await run('--help')).stdout).not.toContain('\u001B');
  });
});

it('prints the version of the package', async () => {
  expect(await run('--version')).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
});

describe('a wrong command line', () => {
  it.each([
    [['rnu'], "unknown command 'rnu'", 'did you mean run?'],
    [['xyzzy'], "unknown command 'xyzzy'", 'see `nightshift --help`'],
    [['jobs.yaml', 'a'], "unknown command 'jobs.yaml'", 'write `nightshift run jobs.yaml a`'],
    [['run', '--bath-size', '3'], "unknown option '--bath-size'", 'did you mean --batch-size?'],
    [['run', '--workers'], "option '--workers <n>' argument missing", 'see `nightshift run --help`'],
    [['schedule', 'run-due'], "missing required argument 'spec'", 'see `nightshift schedule run-due --help`'],
    [['schedule', 'next', '--bogus'], "unknown option '--bogus'", 'see `nightshift schedule next --help`'],
    [['inspect'], "missing required argument 'target'", 'see `nightshift inspect --help`'],
    [
      ['run', 'jobs.example.yaml', '--set', 'nonsense'],
      '--set nonsense: is not a path and a value',
      'write for example',
    ],
  ])('%j ends with 2, what is wrong and what to do', async (args, message, hint) => {
    const { exitCode, stdout, stderr } = await run(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    const [first, second, ...rest] = stderr.split('\n');
    expect(first).toContain(`error USAGE: ${message}`);
    expect(second).toContain(`hint: ${hint}`);
    expect(rest).toEqual([]);
  });

  it('is one JSON line too with --json', async () => {
    const { stdout } = await run('run', '--json', '--bath-size', '3');
    expect(JSON.parse(stdout)).toMatchObject({
      v: 1,
      type: 'error',
      code: 'USAGE',
      exitCode: 2,
      hint: 'did you mean --batch-size?',
    });
  });

  it.each([
    ['--workers', 'none', 'workersPerDevice'],
    ['--batch-size', '0', 'batchSize'],
    ['--limit', '-1', 'limit'],
    ['--max-rejected', '200%', 'maxRejected'],
  ])('names the flag %s when its value is wrong', async (flag, value) => {
    const { exitCode, stderr } = await run('validate', 'jobs.example.yaml', `${flag}=${value}`);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`error SPEC_INVALID: ${flag}: `);
  });
});
