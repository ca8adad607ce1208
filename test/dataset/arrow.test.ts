import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import {
  CompressionType,
  compressionRegistry,
  DateMillisecond,
  Dictionary,
  Duration,
  Field,
  FixedSizeList,
  Float32,
  Int32,
  List,
  makeData,
  makeVector,
  RecordBatch,
  RecordBatchFileWriter,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Table,
  TimestampNanosecond,
  TimeUnit,
  tableFromArrays,
  tableToIPC,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow';
import { compressFrameSync } from 'lz4-napi';
import { describe, expect, it } from 'vitest';
import { fixtures, readDataset, TempFolder } from './open-dataset.ts';

async function readBytes(bytes: Uint8Array, name = 'a.arrow') {
  using folder = new TempFolder();
  const path = join(folder.path, name);
  writeFileSync(path, bytes);
  return await readDataset(path);
}

function file(columns: Readonly<Record<string, Vector>>): Uint8Array {
  return tableToIPC(new Table(columns), 'file');
}

describe('Arrow files', () => {
  it('read as the Parquet files that they were made from do', async () => {
    const arrow = await readDataset('flights-arrow/flights.arrow');
    const parquet = await readDataset('flights/*.parquet');
    const wanted = new Map(parquet.rows.map((row) => [row['flight_id'], row]));
    expect(arrow.rows).toHaveLength(1000);
    for (const row of arrow.rows) expect(row).toEqual(wanted.get(row['flight_id'] ?? null));
    expect(arrow.types).toEqual(parquet.types);
    expect(arrow.opened.facts.columns.map(({ name, type }) => ({ name, type }))).toEqual(arrow.found.columns);
  });

  it('may be streams, and files that begin without a schema, as those of apache-arrow do', async () => {
    const table = tableFromArrays({ id: BigInt64Array.of(2n ** 53n + 1n, -1n), t: ['ä\0', null] });
    const wanted = [
      { id: '9007199254740993', t: 'ä\0' },
      { id: '-1', t: null },
    ];
    expect((await readBytes(tableToIPC(table, 'file'))).rows).toEqual(wanted);
    expect((await readBytes(tableToIPC(table, 'stream'))).rows).toEqual(wanted);
  });

  it('have dictionaries, lists, structs and dates as their values', async () => {
    const { rows, types } = await readBytes(
      file({
        kind: vectorFromArray(['a', null, 'b', 'a'], new Dictionary(new Utf8(), new Int32())),
        list: vectorFromArray([[1, null], [], null, [3]], new List(new Field('item', new Int32(), true))),
        pair: vectorFromArray(
          [[1, 2], null, [5, 6], [7, 8]],
          new FixedSizeList(2, new Field('item', new Float32(), true)),
        ),
        day: vectorFromArray([0, null, 86_400_000, -86_400_000], new DateMillisecond()),
        nested: vectorFromArray(
          [{ x: 1, y: 'p' }, null, { x: null, y: 'q' }, { x: 4, y: null }],
          new Struct([new Field('x', new Int32(), true), new Field('y', new Utf8(), true)]),
        ),
      }),
    );
    expect(types).toEqual({
      kind: 'VARCHAR',
      list: 'INTEGER[]',
      pair: 'FLOAT[]',
      day: 'DATE',
      nested: 'STRUCT(x INTEGER, y VARCHAR)',
    });
    expect(rows).toEqual([
      { kind: 'a', list: [1, null], pair: [1, 2], day: '1970-01-01', nested: { x: 1, y: 'p' } },
      { kind: null, list: [], pair: null, day: null, nested: null },
      { kind: 'b', list: null, pair: [5, 6], day: '1970-01-02', nested: { x: null, y: 'q' } },
      { kind: 'a', list: [3], pair: [7, 8], day: '1969-12-31', nested: { x: 4, y: null } },
    ]);
  });

  it('give fields of a null struct as null, whatever the file holds there', async () => {
    const x = makeData({ type: new Int32(), data: Int32Array.of(1, 2, 3, 4), nullCount: 0 });
    const type = new Struct([new Field('x', new Int32(), true)]);
    const s = makeData({ type, length: 4, nullCount: 1, nullBitmap: Uint8Array.of(0b1101), children: [x] });
    const schema = new Schema([new Field('s', type, true)]);
    const batch = new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: 4, children: [s] }));
    const { rows } = await readBytes(RecordBatchFileWriter.writeAll([batch]).toUint8Array(true));
    expect(rows.map((row) => row['s'])).toEqual([{ x: 1 }, null, { x: 3 }, { x: 4 }]);
  });

  it('are read batch by batch, whatever sizes the batches have', async () => {
    const sizes = [0, 1, 2047, 2048, 2049, 5000, 0, 3];
    const schema = new Schema([new Field('id', new Int32(), true), new Field('t', new Utf8(), true)]);
    const writer = new RecordBatchFileWriter();
    let next = 0;
    for (const size of sizes) {
      const ids = Array.from({ length: size }, () => (next++ % 5 === 4 ? null : next - 1));
      const children = [
        vectorFromArray(ids, new Int32()).data[0],
        vectorFromArray(
          ids.map((id) => (id === null ? null : `t${id}`)),
          new Utf8(),
        ).data[0],
      ];
      const given = children.map(
        (child, index) => child ?? makeData({ type: index === 0 ? new Int32() : new Utf8(), length: 0 }),
      );
      writer.write(
        new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: size, children: given })),
      );
    }
    writer.finish();
    const { rows } = await readBytes(writer.toUint8Array(true));
    expect(rows).toHaveLength(next);
    for (const [index, row] of rows.entries())
      expect(row).toEqual(index % 5 === 4 ? { id: null, t: null } : { id: index, t: `t${index}` });
  });

  it('may have no rows, no batch, or an all-null column', async () => {
    const schema = new Schema([new Field('id', new Int32(), true)]);
    const writer = new RecordBatchStreamWriter();
    writer.reset(undefined, schema);
    writer.finish();
    const none = await readBytes(writer.toUint8Array(true));
    expect(none.opened.facts.rowCount).toBe(0);
    expect(none.types).toEqual({ id: 'INTEGER' });
  });
});

describe('Arrow buffers', () => {
  it('may be compressed with ZSTD or LZ4', async () => {
    const table = tableFromArrays({
      x: Float64Array.from({ length: 4000 }, (_, n) => n / 2),
      t: Array.from({ length: 4000 }, (_, n) => `${n}`),
    });
    await readBytes(tableToIPC(table)); // registers the decoders
    for (const type of [CompressionType.ZSTD, CompressionType.LZ4_FRAME]) {
      const codec = compressionRegistry.get(type) ?? {};
      const encode = (bytes: Uint8Array) =>
        Uint8Array.from(
          type === CompressionType.ZSTD ? zstdCompressSync(bytes) : compressFrameSync(Buffer.from(bytes)),
        );
      compressionRegistry.set(type, { ...codec, encode });
      const { rows } = await readBytes(tableToIPC(table, 'file', type));
      expect(rows).toHaveLength(4000);
      expect(rows[3999]).toEqual({ x: 1999.5, t: '3999' });
    }
  });
});

describe('Arrow files that cannot be read', () => {
  it.each([
    ['a type', 'column gap is Duration', { gap: vectorFromArray([1n], new Duration(TimeUnit.SECOND)) }],
    [
      'nanoseconds with a zone',
      'column at: the value 1 cannot be held',
      { at: makeVector(makeData({ type: new TimestampNanosecond('UTC'), data: BigInt64Array.of(1n) })) },
    ],
  ])('name the column: %s', async (_, problem, columns) => {
    await expect(readBytes(file(columns))).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: expect.stringContaining(problem),
      hint: expect.any(String),
    });
  });

  it('name the file: cut off, empty, or of another kind', async () => {
    const whole = readFileSync(join(fixtures, 'flights-arrow/flights.arrow'));
    for (const bytes of [whole.subarray(0, 60_000), Buffer.alloc(0), Buffer.from('id,x\n1,2\n'.repeat(50))])
      await expect(readBytes(bytes)).rejects.toMatchObject({
        code: 'INPUT_UNREADABLE',
        message: expect.stringMatching(/cannot read .*a\.arrow as arrow/),
      });
  });

  it('name the one that has another schema', async () => {
    using folder = new TempFolder();
    writeFileSync(join(folder.path, 'a.arrow'), file({ x: vectorFromArray([1], new Int32()) }));
    writeFileSync(join(folder.path, 'b.arrow'), file({ x: vectorFromArray([1], new Float32()) }));
    await expect(readDataset(folder.path)).rejects.toMatchObject({
      code: 'INPUT_SCHEMA_MISMATCH',
      message: expect.stringMatching(/b\.arrow has x as FLOAT, but .*a\.arrow has it as INTEGER/),
    });
  });
});
