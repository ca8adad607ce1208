import { expect, it } from 'vitest';
import { Database } from '../../src/dataset/duckdb.ts';

it('gives up a query that runs when its signal is aborted, and begins no other', async () => {
  const controller = new AbortController();
  using database = await Database.open({ readablePaths: [], folders: [], threads: 1, signal: controller.signal });
  const endless = database.rows('SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b');
  controller.abort(new Error('stopped'));
  await expect(endless).rejects.toThrow(/interrupt/i);
  await expect(database.rows('SELECT 1')).rejects.toThrow('stopped');
  await expect(database.run('SELECT 1')).rejects.toThrow('stopped');
});
