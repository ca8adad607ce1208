import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';
import { type Job, makeParquet, root, typeModel } from './nightshift.ts';

/** How a job may end: `published`, or an error by its code. */
export interface BadInput {
  readonly name: string;
  readonly job: Job;
  readonly ends: readonly string[];
}

const rows = 'SELECT i::BIGINT AS id, i::FLOAT AS a, (i * 2)::FLOAT AS b FROM range(60) t(i)';
const features = { x: ['a', 'b'] };

function jobOver(input: string, more: Job = {}): Job {
  return { model: typeModel('float32'), input, features, output: { path: 'out', keep: ['id'] }, ...more };
}

/** Makes files in a folder and tells what jobs over them may end with. */
export type MakeCases = (folder: string) => Promise<readonly BadInput[]>;

async function file(folder: string, name: string, bytes: string | Uint8Array): Promise<string> {
  await writeFile(join(folder, name), bytes);
  return name;
}

/** The first bytes of a file, so that it is cut off at each offset; negative ones count from its end. */
async function cutOff(folder: string, path: string, offsets: readonly number[]) {
  const bytes = await readFile(path);
  const extension = path.slice(path.lastIndexOf('/') + 1).replace(/^[^.]*/, '');
  return Promise.all(
    offsets.map(async (offset) => ({
      offset,
      path: await file(folder, `cut-at${offset}${extension}`, bytes.subarray(0, offset)),
    })),
  );
}

/** A file with all bits of one byte flipped. */
async function flipped(folder: string, path: string, offsets: readonly number[]) {
  const bytes = await readFile(path);
  return Promise.all(
    offsets.map(async (offset) => {
      const copy = Buffer.from(bytes);
      const index = offset < 0 ? copy.length + offset : offset;
      copy[index] = (copy[index] ?? 0) ^ 0xff;
      return { offset, path: await file(folder, `flip${offset}.parquet`, copy) };
    }),
  );
}

const mayBeRead = ['published', 'INPUT_UNREADABLE', 'SHARDS_FAILED', 'COLUMN_MISSING', 'REJECTS_OVER_LIMIT'];

export const damagedParquet: MakeCases = async (folder) => {
  const whole = await makeParquet(join(folder, 'whole.parquet'), rows);
  const cuts = await cutOff(folder, whole, [0, 1, 4, 8, 12, 100, 300, 500, -20, -12, -8, -4, -1]);
  const lengths = await flipped(folder, whole, [0, -1, -4]);
  const size = await flipped(folder, whole, [-5, -6, -7, -8]);
  const footer = await flipped(folder, whole, [-9, -30, -60, -90, -120, -150, -180, -210]);
  const data = await flipped(folder, whole, [4, 6, 12, 20, 40, 80, 160, 240]);
  return [
    ...cuts.map(({ offset, path }) => ({
      name: `Parquet cut off at ${offset}`,
      job: jobOver(path),
      ends: ['INPUT_UNREADABLE'],
    })),
    ...lengths.map(({ offset, path }) => ({
      name: `Parquet with another magic at ${offset}`,
      job: jobOver(path),
      ends: offset === 0 ? mayBeRead : ['INPUT_UNREADABLE'],
    })),
    ...[...size, ...footer, ...data].map(({ offset, path }) => ({
      name: `Parquet with byte ${offset} flipped`,
      job: jobOver(path),
      ends: mayBeRead,
    })),
  ];
};

export const oddPlaces: MakeCases = async (folder) => {
  await mkdir(join(folder, 'folder.parquet'));
  await symlink('loop-b.parquet', join(folder, 'loop-a.parquet'));
  await symlink('loop-a.parquet', join(folder, 'loop-b.parquet'));
  await execa('mkfifo', [join(folder, 'pipe.parquet'), join(folder, 'pipe.onnx')]);
  await makeParquet(join(folder, 'good.parquet'), rows);
  await mkdir(join(folder, 'folder.onnx'));
  const model = await readFile(typeModel('float32'));
  const halves = await cutOff(folder, typeModel('float32'), [0, 1, 2, 10, 40, 80, -10, -1]);
  const withModel = (path: string) => jobOver('good.parquet', { model: path });
  const noise = Buffer.from(model.map((byte, index) => byte ^ ((index * 37) & 0xff)));
  return [
    { name: 'a folder without a file', job: jobOver('folder.parquet'), ends: ['INPUT_NOT_FOUND'] },
    {
      name: 'a link that leads to itself',
      job: jobOver('loop-a.parquet'),
      ends: ['INPUT_NOT_FOUND', 'INPUT_UNREADABLE'],
    },
    { name: 'a pipe', job: jobOver('pipe.parquet'), ends: ['INPUT_UNREADABLE'] },
    { name: 'a device', job: jobOver('/dev/zero'), ends: ['INPUT_UNREADABLE'] },
    { name: 'a path through a file', job: jobOver('good.parquet/x.parquet'), ends: ['INPUT_NOT_FOUND'] },
    { name: 'a path out of the folder', job: jobOver('../../../no/such/in.parquet'), ends: ['INPUT_NOT_FOUND'] },
    { name: 'a name too long', job: jobOver(`${'x'.repeat(300)}.parquet`), ends: ['INPUT_NOT_FOUND'] },
    { name: 'a model that is a folder', job: withModel('folder.onnx'), ends: ['MODEL_NOT_FOUND', 'MODEL_INVALID'] },
    { name: 'a model that is a pipe', job: withModel('pipe.onnx'), ends: ['MODEL_NOT_FOUND', 'MODEL_INVALID'] },
    { name: 'a model that is a device', job: withModel('/dev/zero'), ends: ['MODEL_NOT_FOUND', 'MODEL_INVALID'] },
    { name: 'a model of noise', job: withModel(await file(folder, 'noise.onnx', noise)), ends: ['MODEL_INVALID'] },
    { name: 'a model that is a table', job: withModel('good.parquet'), ends: ['MODEL_INVALID'] },
    ...halves.map(({ offset, path }) => ({
      name: `a model cut off at ${offset}`,
      job: withModel(path),
      ends: ['MODEL_INVALID'],
    })),
    {
      name: 'an output that is a file',
      job: jobOver('good.parquet', { output: 'good.parquet' }),
      ends: ['OUTPUT_UNWRITABLE'],
    },
    { name: 'an output in /proc', job: jobOver('good.parquet', { output: '/proc/out' }), ends: ['OUTPUT_UNWRITABLE'] },
  ];
};

const oddNames = ["it's", 'a "b"', 'line\nbreak', '100%', 'semi;colon', '$1', '\\', 'DROP TABLE', '{x}', 'ü💥'];

export const oddTables: MakeCases = async (folder) => {
  const table = async (name: string, select: string) => {
    await makeParquet(join(folder, `${name}.parquet`), select);
    return `${name}.parquet`;
  };
  const named = oddNames.map(async (column, index) => {
    const quoted = `"${column.replaceAll('"', '""')}"`;
    const input = await table(`named-${index}`, `SELECT i AS id, i::FLOAT AS ${quoted} FROM range(5) t(i)`);
    const job = jobOver(input, { features: { x: [column, column] }, output: { path: 'out', keep: ['id', column] } });
    return { name: `a column called ${JSON.stringify(column)}`, job, ends: ['published'] };
  });
  const wide = Array.from({ length: 2000 }, (_, index) => `i::FLOAT AS c${index}`).join(', ');
  const numbers = "(VALUES (1, 'nan'), (2, 'inf'), (3, '-inf'), (4, '1e38')) t(id, a)";
  const select = (a: string, b = 'i') => `SELECT i AS id, ${a} AS a, ${b} AS b FROM range(5) t(i)`;
  return [
    ...(await Promise.all(named)),
    {
      name: '2,000 columns',
      job: jobOver(await table('wide', `SELECT i AS id, i AS a, i AS b, ${wide} FROM range(5) t(i)`), {
        output: { path: 'out', keep: '*' },
      }),
      ends: ['published'],
    },
    {
      name: 'NaN and infinities',
      job: jobOver(await table('nan', `SELECT id, a::FLOAT AS a, a::DOUBLE AS b FROM ${numbers}`)),
      ends: ['published', 'REJECTS_OVER_LIMIT'],
    },
    { name: 'no rows', job: jobOver(await table('none', `${rows} LIMIT 0`)), ends: ['published'] },
    {
      name: 'a column of nulls',
      job: jobOver(await table('nulls', select('NULL::FLOAT'))),
      ends: ['REJECTS_OVER_LIMIT'],
    },
    {
      name: 'a column without a type',
      job: jobOver(await table('untyped', select('NULL'))),
      ends: ['REJECTS_OVER_LIMIT'],
    },
    {
      name: 'text for a number',
      job: jobOver(await table('text', select("'one'"))),
      ends: ['REJECTS_OVER_LIMIT', 'MODEL_INPUT_MISMATCH'],
    },
    {
      name: 'a date for a number',
      job: jobOver(await table('date', select("DATE '2024-01-01'"))),
      ends: ['MODEL_INPUT_MISMATCH'],
    },
    {
      name: 'a struct for a number',
      job: jobOver(await table('struct', select('{p: i}'))),
      ends: ['MODEL_INPUT_MISMATCH'],
    },
    {
      name: 'a map for a number',
      job: jobOver(await table('map', select('MAP {1: i}'))),
      ends: ['MODEL_INPUT_MISMATCH'],
    },
    {
      name: 'a blob for a number',
      job: jobOver(await table('blob', select("'a'::BLOB"))),
      ends: ['MODEL_INPUT_MISMATCH'],
    },
    {
      name: 'a huge number',
      job: jobOver(await table('huge', select('170141183460469231731687303715884105727::HUGEINT'))),
      ends: ['published', 'REJECTS_OVER_LIMIT'],
    },
    {
      name: 'a column that is missing',
      job: jobOver(await table('short', 'SELECT 1 AS id, 2 AS a')),
      ends: ['COLUMN_MISSING'],
    },
  ];
};

export const damagedText: MakeCases = async (folder) => {
  const lines = Array.from({ length: 5000 }, (_, index) => `${index},${index * 3},${index % 7}`).join('\n');
  const csv = `id,a,b\n${lines}\n`;
  const json = '{"id":1,"a":2,"b":3}\n';
  const zipped = await file(folder, 'whole.csv.gz', gzipSync(csv));
  const cuts = await cutOff(folder, join(folder, zipped), [0, 1, 5, 10, 500, -8, -4, -1]);
  const arrow = await cutOff(folder, join(root, 'fixtures/flights-arrow/flights.arrow'), [0, 1, 8, 100, 5000, -10, -1]);
  const text = async (name: string, bytes: string | Uint8Array, ends: readonly string[]): Promise<BadInput> => ({
    name,
    job: jobOver(await file(folder, name.replaceAll(' ', '-'), bytes)),
    ends,
  });
  const unread = ['INPUT_UNREADABLE'];
  const setAside = ['REJECTS_OVER_LIMIT', 'INPUT_UNREADABLE', 'COLUMN_MISSING', 'published'];
  return Promise.all([
    ...cuts.map(async ({ offset, path }) => ({ name: `gzip cut off at ${offset}`, job: jobOver(path), ends: unread })),
    ...arrow.map(async ({ offset, path }) => ({
      name: `Arrow cut off at ${offset}`,
      job: jobOver(path),
      ends: unread,
    })),
    text('empty.csv', '', unread),
    text('only line ends.csv', '\n'.repeat(100), setAside),
    text('only a mark.csv', '\ufeff', setAside),
    text('header alone.csv', 'id,a,b\n', ['published', 'MODEL_INPUT_MISMATCH']),
    text('nul bytes.csv', `id,a,b\n1,2,3\n2,\0,4\n3,\0\0\0,\0\n`, setAside),
    text('nothing but nul.csv', Buffer.alloc(4096), setAside),
    text('one line of 10 MB.csv', `id,a,b\n1,2,${'9'.repeat(10_000_000)}\n`, setAside),
    text('header of 10 MB.csv', `id,a,${'b'.repeat(10_000_000)}\n1,2,3\n`, setAside),
    text('open quote.csv', `id,a,b\n1,2,"3\n${lines}`, setAside),
    text('latin.csv', Buffer.from('id,a,b\n1,2,\xe9\n', 'latin1'), setAside),
    text('sixteen bits.csv', Buffer.from('\ufeffid,a,b\n1,2,3\n', 'utf16le'), setAside),
    text('twice the same name.csv', 'id,a,a\n1,2,3\n', setAside),
    text('plain.csv.gz', csv, unread),
    text('bomb.csv.gz', gzipSync(`id,a,b\n${'1,2,3\n'.repeat(500_000)}`), ['published']),
    text('zipped twice.csv.gz', gzipSync(gzipSync(csv)), setAside),
    text('parquet inside.csv', await readFile(await makeParquet(join(folder, 'p.parquet'), rows)), setAside),
    text('text inside.parquet', csv, unread),
    text('empty.jsonl', '', unread),
    text('half a line.jsonl', `${json}{"id":2,"a"`, setAside),
    text('no object.jsonl', '[1,2]\n3\n"x"\n', setAside),
    text('deep.jsonl', `{"id":1,"a":2,"b":${'['.repeat(20_000)}${']'.repeat(20_000)}}\n`, [
      ...setAside,
      'MODEL_INPUT_MISMATCH',
    ]),
    text('nul.jsonl', `${json}\0\0\n${json}`, setAside),
    text('no arrow.arrow', csv, unread),
  ]);
};
