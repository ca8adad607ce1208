import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { nightshift, root, temporaryFolder } from '../e2e/nightshift.ts';

/** What bash would offer for a line whose last word is being written. */
async function completionsOf(...words: readonly string[]): Promise<readonly string[]> {
  await using folder = await temporaryFolder();
  const script = join(folder.path, 'completion.bash');
  const { stdout } = await nightshift(['completion', 'bash'], { cwd: root });
  await writeFile(script, stdout);
  const asked = `source "$1"; shift; complete -p nightshift >&2
COMP_WORDS=(nightshift "$@"); COMP_CWORD=$#; _nightshift; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const result = await execa('bash', ['-c', asked, 'bash', script, ...words]);
  expect(result.stderr).toContain('-F _nightshift nightshift');
  return result.stdout.split('\n').filter((word) => word !== '');
}

it('is refused for a shell that it does not know', async () => {
  expect(await nightshift(['completion', 'foo'], { cwd: root })).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: 'error USAGE: "foo" is not a choice for shell\nhint: write one of bash, zsh, fish',
  });
});

describe('completion in bash', () => {
  it('offers commands', async () => {
    expect(await completionsOf('')).toEqual(expect.arrayContaining(['run', 'plan', 'validate', 'inspect', 'verify']));
    expect(await completionsOf('va')).toEqual(['validate']);
  });

  it('offers the options of the command', async () => {
    expect(await completionsOf('run', '--ba')).toEqual(['--batch-size', '--batch-tokens']);
    expect(await completionsOf('run', '-')).toEqual(expect.arrayContaining(['--json', '-q', '--no-color', '--help']));
  });

  it('offers the choices of an option and of an argument', async () => {
    expect(await completionsOf('inspect', '--format', 'c')).toEqual(['csv']);
    expect(await completionsOf('completion', '')).toEqual(['bash', 'zsh', 'fish']);
    expect(await completionsOf('help', 'pl')).toEqual(['plan']);
  });

  it('offers the commands of a command, and their options', async () => {
    expect(await completionsOf('notify', '')).toEqual(['test']);
    expect(await completionsOf('notify', 'test', '--ev')).toEqual(['--event']);
    expect(await completionsOf('notify', 'test', '--event', 'm')).toEqual(['missed']);
    expect(await completionsOf('runs', 'l')).toEqual(['list', 'logs']);
    expect(await completionsOf('runs', 'list', '--older')).toEqual(['--older-than']);
    expect(await completionsOf('runs', 'list', '--state', 'd')).toEqual(['died']);
    expect(await completionsOf('schedule', 'n')).toEqual(['next']);
    expect(await completionsOf('schedule', 'next', '--c')).toEqual(['--count']);
    expect(await completionsOf('schedule', 'simulate', '--do')).toEqual(['--down']);
    expect(await completionsOf('schedule', 're')).toEqual(['remove', 'resume']);
    expect(await completionsOf('schedule', 'run-due', '--ji')).toEqual(['--jitter']);
    expect(await completionsOf('backfill', '--every', 'm')).toEqual(['month']);
  });

  it('leaves files to the shell', async () => {
    expect(await completionsOf('run', 'jo')).toEqual([]);
    expect(await completionsOf('run', '--state-dir', '')).toEqual([]);
  });
});

describe.each(['bash', 'zsh', 'fish'])('the script for %s', (shell) => {
  it('names every command and every option that is shown', async () => {
    const { exitCode, stdout } = await nightshift(['completion', shell], { cwd: root });
    expect(exitCode).toBe(0);
    for (const command of buildProgram().commands.flatMap((outer) => [outer, ...outer.commands])) {
      expect(stdout).toContain(command.name());
      for (const option of command.options.filter(({ hidden }) => !hidden))
        expect(stdout).toContain(shell === 'fish' ? `-l ${option.long?.slice(2)}` : option.long);
    }
  });

  it('is read by the shell without complaint, where it is installed', async ({ skip }) => {
    const version = await execa(shell, ['--version'], { reject: false });
    skip(version.failed, `${shell} is not installed`);
    await using folder = await temporaryFolder();
    const script = join(folder.path, 'script');
    await writeFile(script, (await nightshift(['completion', shell], { cwd: root })).stdout);
    const result = await execa(shell, ['-n', script], { reject: false });
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  });
});

it('refuses a shell that it does not know', async () => {
  const { exitCode, stderr } = await nightshift(['completion', 'tcsh'], { cwd: root });
  expect(exitCode).toBe(2);
  expect(stderr).toContain('error USAGE: ');
});
