import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nightshift, root } from '../e2e/nightshift.ts';

it('prints the JSON Schema that fixtures/jobs.schema.json holds for editors', async () => {
  const { exitCode, stdout } = await nightshift(['schema'], { cwd: root });
  const stored = await readFile(join(root, 'fixtures/jobs.schema.json'), 'utf8');
  expect(exitCode).toBe(0);
  expect(`${stdout}\n`, 'write it anew: nightshift schema > fixtures/jobs.schema.json').toBe(stored);
});
