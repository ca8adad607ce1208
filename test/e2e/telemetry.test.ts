import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { bin, makeParquet, temporaryFolder, typeModel, writeSpec } from './nightshift.ts';

it.each([
  ['run', ['run', 'jobs.yaml']],
  ['doctor', ['doctor']],
])('%s lets ONNX Runtime tell nobody that it runs', async (_, args) => {
  await using folder = await temporaryFolder();
  const [home, TMPDIR] = [join(folder.path, 'home'), join(folder.path, 'tmp')];
  for (const path of [home, TMPDIR]) await mkdir(path);
  await makeParquet(join(folder.path, 'in.parquet'), 'SELECT 1::FLOAT AS x');
  await writeSpec(folder.path, { job: { model: typeModel('square'), input: 'in.parquet', output: 'out' } });
  // Where it does, it keeps the id of its session in the folder for temporary files, unless CI is set.
  const { ORT_DISABLE_TELEMETRY: _set, ...rest } = process.env;
  const env = { ...rest, CI: '', HOME: home, TMPDIR };
  await execa(process.execPath, [bin, ...args], { cwd: folder.path, env, extendEnv: false, reject: false });
  expect(await readdir(TMPDIR)).toEqual([]);
  expect((await readdir(home, { recursive: true })).filter((name) => name.includes('Microsoft'))).toEqual([]);
});
