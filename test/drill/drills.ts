import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { holdingWorkers } from '../e2e/holding-workers.ts';
import { type Event, eventsIn, makeParquet, sql } from '../e2e/nightshift.ts';
import { allOf, bytesProblems, ended, otherParts, tableProblems } from './findings.ts';
import { digestsOf, groupRows, leave, nightshift, partsOf, type Scene, stage, where } from './scene.ts';

export interface Drill {
  readonly name: string;
  /** @returns what went wrong */
  readonly run: (scene: Scene) => Promise<readonly string[]>;
}

export const drills: readonly Drill[] = [
  { name: 'worker killed', run: workerKilled },
  { name: 'all killed, run again', run: allKilled },
  { name: 'corrupt row group', run: corruptRowGroup },
  { name: "'N/A'", run: textInNumber },
  { name: 'same job twice', run: sameJobTwice },
];

const count = (events: readonly Event[], type: string) => events.filter((event) => event.type === type).length;

async function workerKilled(scene: Scene): Promise<readonly string[]> {
  const cwd = await stage(scene, { name: 'worker-killed', input: scene.table });
  const finished = await nightshift(cwd, undefined, {
    env: holdingWorkers({ shards: '3', attempts: '1' }),
    onEvent: (event, { events }) => {
      if (event.type !== 'shard-started' || event['shard'] !== 3 || event['attempt'] !== 1) return;
      const worker = events.findLast(({ type, slot }) => type === 'worker-ready' && slot === event['slot']);
      process.kill(Number(worker?.['pid']), 'SIGKILL');
    },
  });
  const failed = eventsIn(finished).filter(({ type, code }) => type === 'shard-failed' && code === 'WORKER_CRASHED');
  return [
    ...ended(finished, 0),
    ...(failed.length === 1 ? [] : [`${failed.length} shards lost their worker, not 1`]),
    ...(await tableProblems(cwd, allOf(scene))),
    ...(await bytesProblems(cwd, scene.digests)),
  ];
}

async function allKilled(scene: Scene): Promise<readonly string[]> {
  const cwd = await stage(scene, { name: 'all-killed', input: scene.table });
  const killed = await nightshift(cwd, undefined, {
    env: holdingWorkers({ shards: '3' }),
    onEvent: (event, { pid, events }) => {
      if (event.type === 'shard-done' && count(events, 'shard-done') === 3) process.kill(-pid, 'SIGKILL');
    },
  });
  const again = await nightshift(cwd);
  const planned = eventsIn(again).find(({ type }) => type === 'run-planned');
  const done = Number(planned?.['shardsDone']);
  const scored = count(eventsIn(again), 'shard-done');
  return [
    ...(killed.exitCode === undefined ? [] : [`the run that was to be killed ended with ${killed.exitCode}`]),
    ...ended(again, 0),
    ...(done >= 3 && scored === Number(planned?.['shards']) - done ? [] : [`${done} shards kept, ${scored} scored`]),
    ...(await tableProblems(cwd, allOf(scene))),
    ...(await bytesProblems(cwd, scene.digests)),
  ];
}

/** The second row group of a copy of the table cannot be read: its rows are rejected, and those alone. */
async function corruptRowGroup(scene: Scene): Promise<readonly string[]> {
  const input = join(scene.folder, 'corrupt.parquet');
  await makeParquet(input, `FROM read_parquet('${scene.table}')`, groupRows);
  await spoil(input, { group: 1, column: 'dep_delay' });
  const rejected = groupRows;
  const cwd = await stage(scene, { name: 'corrupt-row-group', input });
  const refused = await nightshift(cwd);
  const again = await nightshift(cwd, ['run', '--json', '--max-rejected', String(rejected)]);
  const isSpoilt = `file_row_number >= ${groupRows} AND file_row_number < ${2 * groupRows}`;
  const keys = `SELECT flight_id FROM read_parquet('${scene.table}', file_row_number = true) WHERE ${where} AND NOT (${isSpoilt})`;
  const problems = [
    ...ended(refused, 3, 'REJECTS_OVER_LIMIT'),
    ...ended(again, 0),
    ...(await tableProblems(cwd, { rowCount: scene.rowCount, keys, rejected })),
  ];
  const others = await otherParts(cwd, scene.digests);
  // The group is two shards.
  if (others.length !== 2) problems.push(`other bytes than undisturbed in ${others.join(', ')}`);
  return problems;
}

/** Overwrites the pages of one column of one row group. */
async function spoil(path: string, { group, column }: { readonly group: number; readonly column: string }) {
  const [chunk] = await sql(
    `SELECT coalesce(dictionary_page_offset, data_page_offset) AS start, total_compressed_size AS size
     FROM parquet_metadata('${path}') WHERE row_group_id = ${group} AND path_in_schema = '${column}'`,
  );
  await using file = await open(path, 'r+');
  const size = Number(chunk?.['size']);
  await file.write(Buffer.alloc(size, 0xff), 0, size, Number(chunk?.['start']));
}

/** Each 997th flight of a CSV file has a distance of N/A: it is rejected, and the others score as from Parquet. */
async function textInNumber(scene: Scene): Promise<readonly string[]> {
  const input = join(scene.folder, 'flights.csv');
  const isBad = 'flight_id % 997 = 5';
  await sql(
    `COPY (SELECT * REPLACE (CASE WHEN ${isBad} THEN 'N/A' ELSE distance::VARCHAR END AS distance)
     FROM read_parquet('${scene.table}')) TO '${input}' (FORMAT csv, HEADER true)`,
  );
  const source = `read_parquet('${scene.table}') WHERE ${where} AND`;
  const [bad] = await sql(`SELECT count(*) AS n FROM ${source} ${isBad}`);
  const rejected = Number(bad?.['n']);
  const cwd = await stage(scene, { name: 'not-available', input });
  const refused = await nightshift(cwd);
  const again = await nightshift(cwd, ['run', '--json', '--max-rejected', String(rejected)]);
  if (again.exitCode !== 0) return ended(again, 0);
  const keys = `SELECT flight_id FROM ${source} NOT (${isBad})`;
  const [others] = await sql(
    `SELECT count(*) AS n FROM (FROM ${partsOf(cwd)} EXCEPT FROM ${partsOf(join(scene.folder, 'undisturbed'))})`,
  );
  return [
    ...(rejected > 0 ? [] : ['no flight has a distance of N/A']),
    ...ended(refused, 3, 'REJECTS_OVER_LIMIT'),
    ...ended(again, 0),
    ...(await tableProblems(cwd, { rowCount: scene.rowCount, keys, rejected })),
    ...(Number(others?.['n']) === 0 ? [] : [`${others?.['n']} rows differ from those scored from Parquet`]),
  ];
}

async function sameJobTwice(scene: Scene): Promise<readonly string[]> {
  const job = { name: 'twice', input: scene.table };
  const cwd = await stage(scene, job);
  const problems = [...ended(await nightshift(cwd), 0), ...ended(await nightshift(cwd), 0)];
  problems.push(...(await tableProblems(cwd, allOf(scene))), ...(await bytesProblems(cwd, scene.digests)));
  await stage(scene, { ...job, mode: 'error' });
  problems.push(...ended(await nightshift(cwd), 2, 'OUTPUT_EXISTS'), ...(await bytesProblems(cwd, scene.digests)));
  await leave(cwd);
  return [...problems, ...(await publishedTwice(scene))];
}

/** A run is appended once, however often it is told to publish: by a run that is killed, by the next, by `publish`. */
async function publishedTwice(scene: Scene): Promise<readonly string[]> {
  const second = join(scene.folder, 'second.parquet');
  await makeParquet(second, `SELECT * REPLACE (flight_id + 500000 AS flight_id) FROM read_parquet('${scene.table}')`);
  const job = { name: 'appended', mode: 'append' } as const;
  const cwd = await stage(scene, { ...job, input: scene.table });
  const problems = [...ended(await nightshift(cwd), 0)];
  await stage(scene, { ...job, input: second, checks: [{ rowCount: { max: 1 } }] });
  problems.push(...ended(await nightshift(cwd), 3, 'CHECKS_FAILED'), ...(await bytesProblems(cwd, scene.digests)));
  problems.push(...ended(await nightshift(cwd, ['publish', 'out', '--force']), 0));
  const digests = await digestsOf(cwd);
  problems.push(...ended(await nightshift(cwd, ['publish', 'out', '--force']), 4, 'OUTPUT_NOT_FOUND'));
  const keys = [scene.table, second].map((table) => allOf({ table, rowCount: 0 }).keys).join(' UNION ALL ');
  problems.push(
    ...(await tableProblems(cwd, { rowCount: 2 * scene.rowCount, keys })),
    ...(await bytesProblems(cwd, digests)),
  );
  return problems;
}
