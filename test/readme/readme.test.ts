import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorTable } from '../../src/core/errors.ts';
import { parseSpec } from '../../src/spec/load-spec.ts';

const root = resolve(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
/** What a user's checkout has after `npm ci`. Copies, since the first `npx` builds the package once more. */
const copied = [
  'bin',
  'dist',
  'src',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'rolldown.config.js',
  'jobs.example.yaml',
  '.npmrc',
];
const linked = ['fixtures', 'node_modules'];
const setUp = 'npm ci && ';
/** Run by .ci/run rather than from inside the tests, which it runs. */
const testCommand = 'npm test';

function blocks(language: string): readonly string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text]) => text ?? '');
}

const commands = blocks('sh').flatMap((block) =>
  block.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
);

describe('the README', () => {
  let folder = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'nightshift readme '));
    for (const name of copied) cpSync(join(root, name), join(folder, name), { recursive: true });
    for (const name of linked) symlinkSync(join(root, name), join(folder, name));
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('sets up with the two commands that CI runs', () => {
    const ci = readFileSync(join(root, '.ci/run'), 'utf8');
    expect(commands.filter((command) => command.startsWith(setUp))).toEqual([
      'npm ci && npx nightshift run jobs.example.yaml',
      'npm ci && npm test',
    ]);
    expect(ci).toMatch(/^step npm ci$/m);
    expect(ci).toMatch(/^step npm test/m);
  });

  // In order: a command may use what the one before it made.
  it.each(commands.map((command) => command.replace(setUp, '')).filter((command) => command !== testCommand))(
    'can be followed: %s',
    async (command) => {
      const result = await execa('bash', ['-euo', 'pipefail', '-c', command], {
        cwd: folder,
        reject: false,
        // A name that npx cannot find here must not be fetched from anywhere.
        env: { npm_config_offline: 'true', npm_config_yes: 'false', NO_COLOR: '1' },
      });
      expect({ exitCode: result.exitCode, stderr: result.exitCode === 0 ? '' : result.stderr }).toEqual({
        exitCode: 0,
        stderr: '',
      });
    },
  );

  it.each(blocks('yaml'))('shows a spec that is valid', (text) => {
    const spec = parseSpec({ text, path: join(root, 'jobs.yaml'), env: {} });
    expect(spec.jobs.map((job) => job.name)).toEqual([text.includes('image:') ? 'photos' : 'late-flights']);
  });

  it('lists every error code with its exit code and meaning', () => {
    const table = /<!-- errors -->\n(.*?)\n<!-- \/errors -->/s.exec(readme)?.[1];
    const rows = Object.entries(errorTable).map(
      ([code, { exitCode, meaning }]) => `| ${code} | ${exitCode} | ${meaning} |`,
    );
    expect(table?.split('\n')).toEqual(['| code | exit | meaning |', '| --- | --- | --- |', ...rows]);
  });

  it('links to files that are there', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, link]) => link ?? '');
    expect(links.filter((link) => !existsSync(join(root, link)))).toEqual([]);
  });
});
