import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { bin, makeParquet, published, temporaryFolder, typeModel, writeSpec } from './nightshift.ts';

it('a session that runs out of memory gets batches of half the size, again and again, for the rest of the run', async () => {
  await using folder = await temporaryFolder();
  const cwd = folder.path;
  await makeParquet(join(cwd, 'in.parquet'), 'SELECT i AS id, i::FLOAT AS x FROM range(70000) t(i)', 40_000);
  const job = {
    model: typeModel('square'),
    input: 'in.parquet',
    output: { path: 'out', keep: ['id'] },
    execution: { devices: 'cpu', workersPerDevice: 1, batchSize: 40_000, shardRows: 40_000 },
  };
  await writeSpec(cwd, { job });
  // A batch of 40,000 rows asks for 6.4 GB, and no process may have more than 3.
  const limited = 'ulimit -v 3000000; exec "$0" "$@"';
  const { stderr } = await execa('bash', ['-c', limited, process.execPath, bin, 'run'], { cwd });
  const [, rows, ...others] = stderr.split(/memory ran out; batches are ([\d,]+) rows from now on \(OUT_OF_MEMORY\)/);
  expect(Number(rows?.replace(',', ''))).toBeLessThan(20_001);
  expect(others.join()).not.toContain('OUT_OF_MEMORY');
  expect(await published(cwd)).toEqual(Array.from({ length: 70_000 }, (_, id) => ({ id: BigInt(id), y: id })));
});
