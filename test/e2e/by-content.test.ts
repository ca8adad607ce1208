import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeParquet, nightshift, published, runJob, temporaryFolder, typeModel } from './nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
  for (const [at, name] of ['a', 'b', 'c'].entries()) await makeFile(name, at * 10);
});
afterEach(() => folder[Symbol.asyncDispose]());

const file = (name: string) => join(folder.path, 'in', `${name}.parquet`);
/** Four rows, two shards. */
const makeFile = (name: string, from: number, x = 'i % 4') =>
  makeParquet(file(name), `SELECT ${from} + i AS id, ${x} AS x FROM range(4) t(i)`);
/** Gather, which fails for x above 3. */
const job = (more: object = {}, output = 'out') => ({
  model: typeModel('throws'),
  input: 'in/*.parquet',
  features: { x: 'x' },
  output: { path: output, keep: ['id'], mode: 'overwrite' },
  execution: { shardRows: 2, batchSize: 2 },
  resume: 'byContent',
  ...more,
});
type Finished = Awaited<ReturnType<typeof runJob>>;
const started = ({ events }: Finished) =>
  events.flatMap((event) => (event.type === 'shard-started' ? [event['shard']] : [])).sort();
const taken = ({ events }: Finished) => events.find(({ type }) => type === 'shards-taken-over');
const runs = async (): Promise<readonly string[]> => (await readdir(join(folder.path, 'out/_nightshift/runs'))).sort();

/** The parts of an output, and those of a run that scores everything anew. */
async function expectFullRun(): Promise<void> {
  const full = await runJob(folder.path, job({ resume: 'fingerprint' }, 'full'));
  expect(full.exitCode).toBe(0);
  expect(await partsOf('out')).toEqual(await partsOf('full'));
  expect(await nightshift(['verify', 'out'], { cwd: folder.path })).toMatchObject({ exitCode: 0 });
}

async function partsOf(output: string) {
  const names = (await readdir(join(folder.path, output))).filter((name) => name.startsWith('part-')).sort();
  const bytes = names.map(async (name) => (await readFile(join(folder.path, output, name))).toString('base64'));
  return Object.fromEntries((await Promise.all(bytes)).map((text, at) => [names[at], text]));
}

async function commitsOf(runId: string): Promise<readonly unknown[]> {
  const commits = join(folder.path, 'out/_nightshift/runs', runId, 'commits');
  const texts = (await readdir(commits)).sort().map((name) => readFile(join(commits, name), 'utf8'));
  return (await Promise.all(texts)).map((text): unknown => JSON.parse(text));
}

describe('resume: byContent', () => {
  it('scores only the shards of changed and new files, and ends with the bytes of a full run', async () => {
    expect((await runJob(folder.path, job())).exitCode).toBe(0);
    const [first = ''] = await runs();
    await makeFile('b', 100);
    await makeFile('aa', 200);
    const before = await stat(join(folder.path, 'out/part-00000.parquet'));
    const dry = await nightshift(['plan', '--json'], { cwd: folder.path });
    const isTaken = { willRun: false, reason: `done, taken over from run ${first}` };
    const isNew = (name: string) => ({ willRun: true, reason: `input changed: ${name}.parquet` });
    expect(JSON.parse(dry.stdout).jobs[0].shards).toMatchObject(
      [isTaken, isTaken, isNew('aa'), isNew('aa'), isNew('b'), isNew('b'), isTaken, isTaken].map((fate, index) => ({
        index,
        ...fate,
      })),
    );
    expect((await stat(join(folder.path, 'out/part-00000.parquet'))).ino).toBe(before.ino);
    const again = await runJob(folder.path, job());
    expect(again).toMatchObject({ exitCode: 0, stderr: '' });
    expect(taken(again)).toMatchObject({ shards: 4, rows: 8, from: [first] });
    expect(started(again)).toEqual([2, 3, 4, 5]);
    expect(again.events.at(-1)).toMatchObject({ type: 'run-published', takenOverRows: 8, rows: { out: 16 } });
    const [second = '', ...others] = await runs();
    expect(others).toEqual([]);
    expect(await commitsOf(second)).toMatchObject([
      { shard: 0, takenFrom: first },
      { shard: 1, takenFrom: first },
      { shard: 2 },
      { shard: 3 },
      { shard: 4 },
      { shard: 5 },
      { shard: 6, takenFrom: first, part: 'part-00006.parquet' },
      { shard: 7, takenFrom: first },
    ]);
    await expectFullRun();
  });

  it('takes files that were moved, renamed or touched for what they were', async () => {
    await runJob(folder.path, job());
    const [first = ''] = await runs();
    await rename(file('a'), file('z'));
    await utimes(file('b'), 1, 1);
    const again = await runJob(folder.path, job(), ['--verbose']);
    expect(started(again)).toEqual([]);
    expect(taken(again)).toMatchObject({ shards: 6, rows: 12, from: [first] });
    expect((await published(folder.path)).map(({ id }) => id)).toEqual(
      [10, 11, 12, 13, 20, 21, 22, 23, 0, 1, 2, 3].map(BigInt),
    );
    await expectFullRun();
    const third = await runJob(folder.path, job());
    const [last = ''] = await runs();
    expect(taken(third)).toMatchObject({ shards: 6 });
    expect(await commitsOf(last)).toMatchObject(Array.from({ length: 6 }, () => ({ takenFrom: first })));
  });

  it('tells in text how many rows it took over', async () => {
    await runJob(folder.path, job());
    const [first = ''] = await runs();
    await makeFile('c', 300);
    const { stderr } = await nightshift(['run'], { cwd: folder.path });
    expect(stderr).toContain(`took over 8 rows in 4 shards from run ${first}: the same input content\n`);
    expect(stderr).toContain('8 taken over from earlier runs\n');
  });

  it('takes over from a run that is not finished, which then goes', async () => {
    await makeFile('c', 20, 'i * 3');
    const failed = await runJob(folder.path, job());
    expect(failed.exitCode).toBe(3);
    const [first = ''] = await runs();
    await makeFile('c', 20);
    const again = await runJob(folder.path, job());
    expect(again).toMatchObject({ exitCode: 0, stderr: '' });
    expect(taken(again)).toMatchObject({ shards: 4, rows: 8, from: [first] });
    expect(started(again)).toEqual([4, 5]);
    expect(await runs()).not.toContain(first);
    await expectFullRun();
  });

  it('takes over rejects with their shard, unless their file has another name now', async () => {
    await makeFile('b', 10, 'CASE i WHEN 3 THEN NULL ELSE i END');
    const errors = { errors: { maxRejected: 1 } };
    await runJob(folder.path, job(errors));
    await makeFile('a', 400);
    const again = await runJob(folder.path, job(errors));
    expect(started(again)).toEqual([0, 1]);
    expect(again.events.at(-1)).toMatchObject({ rows: { in: 12, out: 11, rejected: 1 } });
    expect(await nightshift(['verify', 'out'], { cwd: folder.path })).toMatchObject({ exitCode: 0 });
    await rename(file('b'), file('d'));
    expect(started(await runJob(folder.path, job(errors)))).toEqual([5]);
    const [last = ''] = await runs();
    await rm(join(folder.path, 'out/_nightshift/runs', last, 'rejects'), { recursive: true });
    await utimes(file('a'), 1, 1);
    expect(started(await runJob(folder.path, job(errors)))).toEqual([5]);
  });

  it.each<[string, object, readonly number[]]>([
    ['the kept columns', { output: { path: 'out', keep: ['id', 'x'], mode: 'overwrite' } }, [0, 1, 2, 3, 4, 5]],
    ['the condition', { input: { path: 'in/*.parquet', where: 'id > 0' } }, [0, 1, 2, 3, 4, 5]],
    ['the batch rows', { execution: { shardRows: 2, batchSize: 1 } }, [0, 1, 2, 3, 4, 5]],
    ['the cut', { execution: { shardRows: 4, batchSize: 2 } }, [0, 1, 2]],
  ])('scores everything when %s changed', async (_what, change, shards) => {
    await runJob(folder.path, job());
    await utimes(file('a'), 1, 1);
    const again = await runJob(folder.path, job(change));
    expect({ exitCode: again.exitCode, taken: taken(again), started: started(again) }).toEqual({
      exitCode: 0,
      taken: undefined,
      started: shards,
    });
  });

  it('scores the rest with the batch rows of what it takes over, unless it is told others', async () => {
    await runJob(folder.path, job({ execution: { shardRows: 2, batchSize: 3 } }));
    await makeFile('c', 500);
    const auto = await runJob(folder.path, job({ execution: { shardRows: 2 } }));
    expect(started(auto)).toEqual([4, 5]);
    const [last = ''] = await runs();
    expect(await commitsOf(last)).toMatchObject(Array.from({ length: 6 }, () => ({ batchRows: 3 })));
  });

  it('scores everything anew with --restart, and the plan says so', async () => {
    await runJob(folder.path, job());
    const dry = await nightshift(['plan', '--json'], { cwd: folder.path });
    expect(JSON.parse(dry.stdout).jobs[0].shards[0].willRun).toBe(false);
    const { stdout } = await nightshift(['run', '--dry-run', '--restart', '--json'], { cwd: folder.path });
    expect(JSON.parse(stdout).jobs[0].shards).toMatchObject(Array.from({ length: 6 }, () => ({ willRun: true })));
    expect(started(await runJob(folder.path, job(), ['--restart']))).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('does not take over a published part that was changed', async () => {
    await runJob(folder.path, job());
    await writeFile(join(folder.path, 'out/part-00001.parquet'), 'PAR1');
    await utimes(file('a'), 1, 1);
    const again = await runJob(folder.path, job());
    expect(started(again)).toEqual([1]);
    await expectFullRun();
  });

  it('goes on when it was killed between taking over and publishing', async () => {
    await runJob(folder.path, job());
    await makeFile('c', 20, 'i * 3');
    expect((await runJob(folder.path, job())).exitCode).toBe(3);
    const [, second = ''] = await runs();
    const commits = join(folder.path, 'out/_nightshift/runs', second, 'commits');
    await rm(join(commits, '00001.json'));
    const again = await runJob(folder.path, job());
    expect(again.events.find(({ type }) => type === 'run-started')).toMatchObject({ resumes: true });
    expect(taken(again)).toMatchObject({ shards: 1 });
  });

  it('knows text files by their content too, not by that of their copies', async () => {
    const lines = (from: number) => `id,x\n${[0, 1, 2, 3].map((i) => `${from + i},${i}`).join('\n')}\n`;
    for (const [at, name] of ['a', 'b'].entries()) await writeFile(join(folder.path, `in/${name}.csv`), lines(at * 10));
    const csv = { input: 'in/*.csv' };
    await runJob(folder.path, job(csv));
    await rename(join(folder.path, 'in/a.csv'), join(folder.path, 'in/c.csv'));
    await writeFile(join(folder.path, 'in/d.csv'), lines(90));
    const again = await runJob(folder.path, job(csv));
    expect(started(again)).toEqual([4, 5]);
    expect((await published(folder.path)).map(({ id }) => Number(id))).toEqual([
      ...[10, 11, 12, 13, 0, 1, 2, 3, 90, 91, 92, 93],
    ]);
  });

  it('adds to what is published where the mode is append', async () => {
    const append = { output: { path: 'out', keep: ['id'], mode: 'append' } };
    await runJob(folder.path, job(append));
    await makeFile('b', 100);
    const again = await runJob(folder.path, job(append));
    expect(started(again)).toEqual([2, 3]);
    await makeFile('b', 200);
    expect(started(await runJob(folder.path, job(append)))).toEqual([2, 3]);
    expect(await published(folder.path)).toHaveLength(36);
    expect(await nightshift(['verify', 'out'], { cwd: folder.path })).toMatchObject({ exitCode: 0 });
  });

  it('keeps no digests, and takes over nothing, where it is not asked for', async () => {
    const usual = job({ resume: 'fingerprint' });
    await runJob(folder.path, usual);
    const [first = ''] = await runs();
    const plan = await readFile(join(folder.path, 'out/_nightshift/runs', first, 'plan.json'), 'utf8');
    expect(JSON.parse(plan).dataset.files.map((at: object) => 'sha256' in at)).toEqual([false, false, false]);
    await utimes(file('a'), 1, 1);
    expect(started(await runJob(folder.path, usual))).toEqual([0, 1, 2, 3, 4, 5]);
  });
});
