import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const maxLines = 300;

it(`keeps every file of src within ${maxLines} lines`, () => {
  const files = globSync('src/**/*.ts', { cwd: root });
  const tooLong = files
    .map((file) => ({ file, lineCount: readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length }))
    .filter(({ lineCount }) => lineCount > maxLines)
    .map(({ file, lineCount }) => `${file} has ${lineCount} lines`);
  expect(files).not.toEqual([]);
  expect(tooLong, `split each by concept; the limit is ${maxLines} lines`).toEqual([]);
});
