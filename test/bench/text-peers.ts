import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { execa } from 'execa';
import { z } from 'zod';
import { processesIn } from './memory.ts';
import { print } from './report.ts';
import type { TextSet } from './text-data.ts';

const peers = {
  ray: { title: 'Ray Data', package: 'ray', imports: 'ray.data', script: 'python_ray.py' },
  spark: { title: 'Spark', package: 'pyspark', imports: 'pyspark.ml.functions', script: 'python_spark.py' },
} as const;
const peerName = z.enum(['ray', 'spark']);
export type PeerName = z.infer<typeof peerName>;

/** Rows come to the model as they are, or many at a time, whose batches are made by length, as sentence-transformers does. */
const ways = [
  { way: 'in input order', callRows: 32, sort: false },
  { way: 'sorted in 256s', callRows: 256, sort: true },
] as const;

const said = z.object({
  rows: z.int(),
  seconds: z.number().positive(),
  secondsWithStart: z.number().positive(),
});

export interface PeerBench {
  readonly python: string;
  readonly folder: string;
  readonly cores: number;
  readonly maxLength: number;
}

export interface PeerRate {
  readonly name: string;
  /** Texts a second of the job alone, and with imports and the start of the cluster or session. */
  readonly rate: number;
  readonly rateWithStart: number;
  /** Of any text's embeddings, ours and the peer's. */
  readonly lowestCosine: number;
}

/** @param names separated by commas */
export function readPeerNames(names: string): readonly PeerName[] {
  return names.split(',').flatMap((name) => {
    if (name.trim() === '') return [];
    const known = peerName.safeParse(name.trim());
    if (!known.success) throw new Error(`no peer is called ${name.trim()}: ${peerName.options.join(', ')}`);
    return [known.data];
  });
}

/** The peers that can run here. Prints their versions, and why the others cannot. */
export async function peersHere(bench: PeerBench, names: readonly PeerName[]): Promise<readonly PeerName[]> {
  const here: PeerName[] = [];
  for (const name of names) {
    const peer = peers[name];
    const result = await alone(bench, [
      '-c',
      `import python_embed, ${peer.imports}; print(${peer.package}.__version__)`,
    ]);
    if (result.failed) print(`${peer.title} is skipped: ${result.stderr.split('\n').at(-1) || result.shortMessage}`);
    else {
      print(`${peer.title} ${result.stdout}`);
      here.push(name);
    }
  }
  return here;
}

/** Runs a peer in each way, with as many processes of one thread as we have workers. */
export async function runPeer(
  bench: PeerBench,
  options: { readonly peer: PeerName; readonly set: TextSet; readonly ours: string },
): Promise<readonly PeerRate[]> {
  const { title, script } = peers[options.peer];
  const { model, tokenizer, input, rows } = options.set;
  const out = join(bench.folder, 'out-peer');
  const rates: PeerRate[] = [];
  for (const { way, callRows, sort } of ways) {
    const job = { model, tokenizer, input, out, callRows, sort, batch: 32, threads: 1, cores: bench.cores };
    const argument = { ...job, maxLength: bench.maxLength, scratch: scratchOf(bench) };
    const result = await alone(bench, [join(import.meta.dirname, script), JSON.stringify(argument)]);
    if (result.failed) throw new Error(`${title}: ${result.shortMessage}\n${result.stderr}`);
    const told = said.parse(JSON.parse(result.stdout.split('\n').at(-1) ?? ''));
    const same = await compare(options.ours, out);
    await rm(out, { recursive: true, force: true });
    if (told.rows !== rows || same.rows !== rows || same.lowest < 0.9999)
      throw new Error(`${title} wrote ${told.rows} rows, ${same.rows} of ours, with a cosine of ${same.lowest}`);
    rates.push({
      name: `${title}, ${way}`,
      rate: rows / told.seconds,
      rateWithStart: rows / told.secondsWithStart,
      lowestCosine: same.lowest,
    });
  }
  return rates;
}

/**
 * Runs Python in namespaces of its own. Ray's daemons listen on all interfaces whatever it is told: here is only
 * loopback; and all that was started ends with the script. What it leaves on the disk is in a folder that goes too.
 */
async function alone(bench: PeerBench, args: readonly string[]) {
  const scratch = scratchOf(bench);
  await mkdir(scratch);
  const namespaces = ['--user', '--map-root-user', '--net', '--pid', '--fork', '--mount-proc', '--kill-child'];
  const script = 'ip link set lo up && "$@"; exit $?';
  const env = {
    HOME: scratch,
    PYTHONPATH: import.meta.dirname,
    PYTHONDONTWRITEBYTECODE: '1',
    RAY_USAGE_STATS_ENABLED: '0',
    SPARK_LOCAL_IP: '127.0.0.1',
    TOKENIZERS_PARALLELISM: 'false',
  };
  const command = [...namespaces, 'sh', '-c', script, 'sh', bench.python, ...args];
  const result = await execa('unshare', command, { cwd: scratch, env, reject: false });
  const left = processesIn(scratch);
  if (left.length > 0) throw new Error(`processes ${left.join(', ')} are left of ${args[0]}`);
  await rm(scratch, { recursive: true, force: true });
  return result;
}

/** Short, for Ray makes sockets far below it. */
function scratchOf({ folder }: PeerBench): string {
  return join(folder, 'p');
}

async function compare(ours: string, theirs: string) {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(
    `SELECT count(*)::INTEGER AS rows, coalesce(min(list_cosine_similarity(o.embedding::FLOAT[], t.embedding::FLOAT[])), 0) AS lowest
     FROM read_parquet('${ours}/*.parquet') o JOIN read_parquet('${theirs}/*.parquet') t USING (id)`,
  );
  const [found] = z.array(z.object({ rows: z.int(), lowest: z.number() })).parse(reader.getRowObjectsJS());
  connection.closeSync();
  instance.closeSync();
  return found ?? { rows: 0, lowest: 0 };
}
