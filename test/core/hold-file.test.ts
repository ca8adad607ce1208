import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { holdFile } from '../../src/core/hold-file.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'nightshift-hold-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A process that holds a file until it is killed; it says `true` once it does, or `false`. */
async function holder(path: string) {
  const module = JSON.stringify(join(import.meta.dirname, '../../src/core/hold-file.ts'));
  const code = `import { holdFile } from ${module};
    globalThis.hold = holdFile(${JSON.stringify(path)});
    console.log(hold !== undefined);
    setInterval(() => undefined, 1000);`;
  const child = execa(process.execPath, ['--input-type=module', '--eval', code], { reject: false, buffer: false });
  for await (const line of createInterface({ input: child.stdout })) return { child, hasIt: line };
  throw new Error('it ended without a word');
}

it('a file is held by one process, and free the instant that this one is killed', async () => {
  const path = join(folder, 'timers', 'a');
  const first = await holder(path);
  expect(first.hasIt).toBe('true');
  expect(holdFile(path)).toBeUndefined();
  first.child.kill('SIGKILL');
  await first.child;
  {
    using mine = holdFile(path);
    expect(mine).toBeDefined();
    const second = await holder(path);
    expect(second.hasIt).toBe('false');
    second.child.kill('SIGKILL');
    await second.child;
  }
  using again = holdFile(path);
  expect(again).toBeDefined();
  expect([statSync(path).mode & 0o777, statSync(join(path, '..')).mode & 0o777]).toEqual([0o600, 0o700]);
});

it('a file that cannot be made or is none of ours is refused', () => {
  writeFileSync(join(folder, 'file'), 'not a database, and long enough to be seen as that: '.repeat(20));
  for (const path of [join(folder, 'file', 'b'), join(folder, 'file')])
    expect(() => holdFile(path)).toThrow(expect.objectContaining({ code: 'HISTORY_UNAVAILABLE', exitCode: 4 }));
});
