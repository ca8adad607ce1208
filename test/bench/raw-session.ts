import { DuckDBInstance } from '@duckdb/node-api';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { glob } from 'tinyglobby';

/**
 * The yardstick, a process of its own: ONNX Runtime with one thread on tensors that are in memory already.
 * argv: model, input glob, model input, columns (JSON), outputs (JSON), rows to score, batch rows.
 * Prints `{ rows, seconds }` of the session calls alone.
 */
const [model = '', input = '', name = '', columnsJson = '[]', outputsJson = '[]', rows = '0', batch = '4096'] =
  process.argv.slice(2);
const columns: unknown = JSON.parse(columnsJson);
const outputs: unknown = JSON.parse(outputsJson);
if (!isTexts(columns) || !isTexts(outputs)) throw new TypeError('columns and outputs are lists of names');
const batchRows = Number(batch);
const [file] = (await glob(input)).sort();

const sampleRows = 131_072;
const sample = new Float32Array(sampleRows * columns.length);
const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
const values = columns.map((column) => `coalesce("${column}"::FLOAT, 'nan'::FLOAT)::DOUBLE`).join(', ');
const table = await connection.runAndReadAll(`SELECT ${values} FROM read_parquet('${file}') LIMIT ${sampleRows}`);
for (const [row, cells] of table.getRows().entries())
  for (const [column, cell] of cells.entries()) sample[row * columns.length + column] = Number(cell);
const loaded = Math.max(batchRows, Math.floor(table.currentRowCount / batchRows) * batchRows);

const session = await InferenceSession.create(model, {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: 4,
});
process.send?.('ready');
await new Promise((resolve) => process.once('message', resolve));
const started = performance.now();
let scored = 0;
for (let at = 0; scored < Number(rows); at = (at + batchRows) % loaded) {
  const tensor = new Tensor('float32', sample.subarray(at * columns.length, (at + batchRows) * columns.length), [
    batchRows,
    columns.length,
  ]);
  await session.run({ [name]: tensor }, outputs);
  scored += batchRows;
}
process.stdout.write(JSON.stringify({ rows: scored, seconds: (performance.now() - started) / 1000 }));
process.disconnect();

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
