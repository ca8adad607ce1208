import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { bin, makeParquet, published, temporaryFolder, typeModel, writeSpec } from './nightshift.ts';

it('a session that runs out of memory gets batches of half the size, again and again, for the rest of the run', async () => {
  await using folder = await temporaryFolder();
  const cwd = folder.path;
  await makeParquet(join(cwd, 'in.parquet'), 'SELECT i AS id, i::FLOAT AS x FROM range(80000) t(i)', 46_000);
  const job = {
    model: typeModel('square'),
    input: 'in.parquet',
    output: { path: 'out', keep: ['id'] },
    execution: { devices: 'cpu', workersPerDevice: 1, intraOpThreads: 1, batchSize: 46_000, shardRows: 46_000 },
  };
  await writeSpec(cwd, { job });
  // A worker begins with 1.3 GB, where its threads share one arena of the C library's. A batch of n rows asks for two
  // tensors of 4n² bytes, which takes up to three once the session's arena has rounded them up to powers of two: 46,000
  // rows ask for 8.5 GB each, 23,000 for 2.1, both too much; 11,500, for 0.5, leave one GB to everything else.
  const limited = 'ulimit -v 4500000; exec "$0" "$@"';
  const env = { MALLOC_ARENA_MAX: '1' };
  const { stderr } = await execa('bash', ['-c', limited, process.execPath, bin, 'run'], { cwd, env });
  const [, rows, ...others] = stderr.split(/memory ran out; batches are ([\d,]+) rows from now on \(OUT_OF_MEMORY\)/);
  expect(Number(rows?.replace(',', ''))).toBeLessThan(23_001);
  expect(others.join()).not.toContain('OUT_OF_MEMORY');
  expect(await published(cwd)).toEqual(Array.from({ length: 80_000 }, (_, id) => ({ id: BigInt(id), y: id })));
});
