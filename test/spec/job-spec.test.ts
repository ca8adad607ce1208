import { describe, expect, it } from 'vitest';
import { refusal, withJob, withMinimalJob } from './parse-jobs.ts';

/** Lines under job `a` that already has its model, input and output; the first is line 7 of the file. */
const inAJob: readonly (readonly [lines: string, message: string, hint: string])[] = [
  ['descripton: x', '7:5 jobs.a: unknown key "descripton"', 'did you mean "description"?'],
  [
    'timetable: daily',
    '7:5 jobs.a: unknown key "timetable"',
    'the keys here are description, model, input, features, output, execution, retry, resume, dedupe, cache, errors, checks, schedule, notify',
  ],
  [
    '__proto__: x',
    '7:5 jobs.a: unknown key "__proto__"',
    'the keys here are description, model, input, features, output, execution, retry, resume, dedupe, cache, errors, checks, schedule, notify',
  ],
  ['description: 5', '7:5 jobs.a.description: 5 is not a text', 'put it in quotes: "5"'],
  [
    'features: [a]',
    '7:5 jobs.a.features: a list is not a map of model input to columns',
    'write for example `features: { input: [ distance, dep_delay ] }`',
  ],
  [
    'features: { f: 5 }',
    '7:17 jobs.a.features.f: 5 is not a column, a list of columns or a map',
    'write for example `features: { input: [ distance, dep_delay ] }`',
  ],
  ['features: { f: [a, 5] }', '7:24 jobs.a.features.f.columns[1]: 5 is not a column', 'put it in quotes: "5"'],
  [
    'features: { f: [] }',
    '7:17 jobs.a.features.f.columns: a list is not a column or a list of columns',
    'write for example `columns: [ distance, dep_delay ]`',
  ],
  ['features: { f: { colums: [a] } }', '7:22 jobs.a.features.f: unknown key "colums"', 'did you mean "columns"?'],
  [
    'features: { "in:0": { nulls: nan } }',
    '7:17 jobs.a.features."in:0".columns: is missing',
    'add `columns: [ distance, dep_delay ]`',
  ],
  [
    'features: { f: { columns: a, maxLength: 9 } }',
    '7:34 jobs.a.features.f.maxLength: is for texts',
    'add `tokenizer: models/tokenizer.json`, or remove it',
  ],
  [
    'features: { f: { column: a, columns: b } }',
    '7:22 jobs.a.features.f.column: stands beside columns',
    'write one of the two',
  ],
  [
    'features: { t: { tokenizer: t.json } }',
    '7:17 jobs.a.features.t.columns: is missing',
    'add `columns: [ distance, dep_delay ]`',
  ],
  [
    'features: { t: { tokenizer: t.json, columns: [a, b, c] } }',
    '7:41 jobs.a.features.t.columns: has more than a pair of texts',
    'make one text of them: template: "{a} {b} {c}"',
  ],
  [
    'features: { t: { tokenizer: t.json, column: a, nulls: nan } }',
    '7:52 jobs.a.features.t.nulls: "nan" is not one of reject, empty',
    'write for example `nulls: empty`',
  ],
  [
    'features: { t: { tokenizer: t.json, template: "q: {a" } }',
    '7:41 jobs.a.features.t.template: character 4 opens a placeholder that does not end',
    'write for example `template: "query: {description}"`; {{ and }} are braces',
  ],
  [
    'features: { t: { tokenizer: t.json, column: b, template: "q: {a}" } }',
    '7:41 jobs.a.features.t.column: names b, which the template does not',
    'write {b} in the template',
  ],
  [
    'features: { t: { tokenizer: t.json, columns: [a], template: "{a} of {b}" } }',
    '7:41 jobs.a.features.t.columns: does not name b, which the template does',
    'leave columns out: a template names its columns itself',
  ],
  [
    'features: { t: { tokenizer: t.json, column: a, padding: longst } }',
    '7:52 jobs.a.features.t.padding: "longst" is not one of longest, maxLength',
    'did you mean "longest"?',
  ],
  [
    'features: { t: { tokenizer: t.json, column: a, inputs: { ids: x } } }',
    '7:62 jobs.a.features.t.inputs: unknown key "ids"',
    'the keys here are input_ids, attention_mask, token_type_ids',
  ],
  [
    'execution: { batchTokens: 0 }',
    '7:18 jobs.a.execution.batchTokens: 0 is not auto or a whole number from 1 to 10000000',
    'write for example `batchTokens: 16384`',
  ],
  [
    'features: { f: { columns: a, nulls: .nan } }',
    '7:34 jobs.a.features.f.nulls: NaN is not reject, nan, a number, a text, true or false',
    'write for example `nulls: nan`',
  ],
  [
    'features: { f: { image: 5 } }',
    '7:22 jobs.a.features.f.image: 5 is not a column or a map',
    'write for example `image: { column: photo, resize: [ 224, 224 ] }`',
  ],
  [
    'features: { f: { image: { resize: 8 } } }',
    '7:22 jobs.a.features.f.image.column: is missing',
    'add `column: photo`',
  ],
  [
    'features: { f: { image: { column: a, color: rgb } } }',
    '7:42 jobs.a.features.f.image: unknown key "color"',
    'did you mean "colour"?',
  ],
  [
    'features: { f: { image: { column: a, resize: [8, 8, 8] } } }',
    '7:42 jobs.a.features.f.image.resize: a list is not a whole number from 1 to 16384 or a list of two, height and width',
    'write for example `resize: [ 224, 224 ]`',
  ],
  [
    'features: { f: { image: a, colour: red } }',
    '7:22 jobs.a.features.f.image.colour: "red" is not one of rgb, bgr, grey',
    'write for example `colour: rgb`',
  ],
  [
    'features: { f: { image: { column: a, std: [1, 0, 1] } } }',
    '7:42 jobs.a.features.f.image.std: has a zero, which divides nothing',
    'write for example `std: [ 0.229, 0.224, 0.225 ]`',
  ],
  [
    'features: { f: { image: { column: a, mean: 0.5 } } }',
    '7:42 jobs.a.features.f.image.mean: 0.5 is not a list of numbers, one a channel',
    'write for example `mean: [ 0.485, 0.456, 0.406 ]`',
  ],
  [
    'features: { f: { columns: b, image: { column: a } } }',
    '7:22 jobs.a.features.f.columns: stands beside an image',
    'an image fills an input alone, and a null image is a reject',
  ],
  [
    'features: { f: { image: { column: a }, root: photos } }',
    '7:44 jobs.a.features.f: unknown key "root"',
    'root belongs inside image: image: { column: …, root: … }',
  ],
  ['where: a > 1', '7:5 jobs.a: unknown key "where"', 'where belongs inside input: input: { path: …, where: … }'],
  [
    'features: { f: { nulls: nan, image: { column: a } } }',
    '7:22 jobs.a.features.f.nulls: stands beside an image',
    'an image fills an input alone, and a null image is a reject',
  ],
  [
    'execution:',
    '7:5 jobs.a.execution: is empty',
    'give it a value, like `execution: { batchSize: 256 }`, or remove it',
  ],
  ['execution: fast', '7:5 jobs.a.execution: "fast" is not a map', 'write for example `execution: { batchSize: 256 }`'],
  ['execution: { batch_size: 1 }', '7:18 jobs.a.execution: unknown key "batch_size"', 'did you mean "batchSize"?'],
  [
    'execution: { batchSize: 0 }',
    '7:18 jobs.a.execution.batchSize: 0 is not auto or a whole number from 1 to 1000000',
    'write for example `batchSize: 256`',
  ],
  [
    'execution: { batchSize: 1.5 }',
    '7:18 jobs.a.execution.batchSize: 1.5 is not auto or a whole number from 1 to 1000000',
    'write for example `batchSize: 256`',
  ],
  [
    'execution: { batchSize: "8" }',
    '7:18 jobs.a.execution.batchSize: "8" is not auto or a whole number from 1 to 1000000',
    'write for example `batchSize: 256`',
  ],
  [
    'execution: { shardRows: -1 }',
    '7:18 jobs.a.execution.shardRows: -1 is not auto or a whole number of at least 1',
    'write for example `shardRows: 250000`',
  ],
  [
    'execution: { batchTimeout: 500ms }',
    '7:18 jobs.a.execution.batchTimeout: is shorter than 1 s',
    'write for example `batchTimeout: 30s`',
  ],
  [
    'retry: { maxDelay: 10 }',
    '7:14 jobs.a.retry.maxDelay: 10 is not a duration with a unit of ms, s, m, h or d',
    'write for example `maxDelay: 1m`',
  ],
  [
    'retry: { maxAttempts: 0 }',
    '7:14 jobs.a.retry.maxAttempts: 0 is not a whole number from 1 to 100',
    'write for example `maxAttempts: 4`',
  ],
  [
    'execution: { readAhead: 9 }',
    '7:18 jobs.a.execution.readAhead: 9 is not auto or a whole number from 0 to 8',
    'write for example `readAhead: 2`',
  ],
  [
    'execution: { graphOptimization: none }',
    '7:18 jobs.a.execution.graphOptimization: "none" is not one of all, extended, basic, off',
    'write for example `graphOptimization: extended`',
  ],
  [
    'execution: { optimizedModelCache: models }',
    '7:18 jobs.a.execution.optimizedModelCache: "models" is not true or false',
    'write for example `optimizedModelCache: true`',
  ],
  [
    'execution: { warmup: 101 }',
    '7:18 jobs.a.execution.warmup: 101 is not auto or a whole number from 0 to 100',
    'write for example `warmup: 1`',
  ],
  [
    'execution: { profile: often }',
    '7:18 jobs.a.execution.profile: "often" is not true or false',
    'write for example `profile: true`',
  ],
  [
    'execution: { fallback: CPU }',
    '7:18 jobs.a.execution.fallback: "CPU" is not one of fail, cpu',
    'did you mean "cpu"?',
  ],
  [
    'execution: { devices: cuda }',
    '7:18 jobs.a.execution.devices: "cuda" is not auto, all, cpu, a GPU like cuda:0, or a list of devices',
    'write for example `devices: [ cuda:0, cuda:1 ]`',
  ],
  [
    'execution: { devices: [cpu, gpu] }',
    '7:33 jobs.a.execution.devices[1]: "gpu" is not auto, all, cpu, a GPU like cuda:0, or a list of devices',
    'write for example `devices: [ cuda:0, cuda:1 ]`',
  ],
  [
    'execution: { devices: [cpu, cpu] }',
    '7:18 jobs.a.execution.devices: names a device twice',
    'name each device once; workersPerDevice puts several workers on it',
  ],
  [
    'cache: { path: k, maxSize: 1KB }',
    '7:23 jobs.a.cache.maxSize: is less than 1MB',
    'write for example `maxSize: 5GB`',
  ],
  [
    'execution: { maxWorkerMemory: 2 }',
    '7:18 jobs.a.execution.maxWorkerMemory: 2 is not a size with a unit of KB, MB, GB, TB, KiB, MiB, GiB or TiB',
    'write for example `maxWorkerMemory: 2GB`',
  ],
  [
    'errors: { maxRejected: 0.5 }',
    '7:15 jobs.a.errors.maxRejected: 0.5 is not a whole number of rows or a percentage from 0% to 100%',
    'write for example `maxRejected: 0.1%`',
  ],
  [
    'errors: { maxRejected: 101% }',
    '7:15 jobs.a.errors.maxRejected: "101%" is not a whole number of rows or a percentage from 0% to 100%',
    'write for example `maxRejected: 0.1%`',
  ],
];

/** Lines of a whole job `a`; the first is line 4 of the file. */
const wholeJobs: readonly (readonly [lines: readonly string[], message: string, hint: string])[] = [
  [['input: i', 'output: o'], '3:3 jobs.a.model: is missing', 'add `model: { path: models/late-flights.onnx }`'],
  [
    ['model: [m]', 'input: i', 'output: o'],
    '4:5 jobs.a.model: a list is not a path or a map',
    'write for example `model: { path: models/late-flights.onnx }`',
  ],
  [
    ['model: m', 'input: 5', 'output: o'],
    '5:5 jobs.a.input: 5 is not a path, a list of paths or a map',
    'write for example `input: { path: data/flights/*.parquet }`',
  ],
  [['model: m', 'input: [i, 5]', 'output: o'], '5:16 jobs.a.input.path[1]: 5 is not a path', 'put it in quotes: "5"'],
  [
    ['model: m', 'input: { format: csv }', 'output: o'],
    '5:5 jobs.a.input.path: is missing',
    'add `path: data/flights/*.parquet`',
  ],
  [
    ['model: m', 'input: { path: i, format: feather }', 'output: o'],
    '5:23 jobs.a.input.format: "feather" is not one of auto, parquet, csv, jsonl, arrow',
    'write for example `format: parquet`',
  ],
  [
    ['model: m', 'input: { path: i, where: "" }', 'output: o'],
    '5:23 jobs.a.input.where: "" is not a SQL condition',
    'write for example `where: dep_delay IS NOT NULL`',
  ],
  [
    ['model: m', 'input: { path: i, limit: 0 }', 'output: o'],
    '5:23 jobs.a.input.limit: 0 is not a whole number of at least 1',
    'write for example `limit: 10000`',
  ],
  [
    ['model: m', 'input: { path: i, csv: { delimiter: "||" } }', 'output: o'],
    '5:30 jobs.a.input.csv.delimiter: "||" is not auto or one character',
    'write for example `delimiter: ;`',
  ],
  [
    ['model: m', 'input: { path: i, csv: { header: 1 } }', 'output: o'],
    '5:30 jobs.a.input.csv.header: 1 is not auto, true or false',
    'write for example `header: true`',
  ],
  [
    ['model: m', 'input: { path: i, csv: { nullValues: NA } }', 'output: o'],
    '5:30 jobs.a.input.csv.nullValues: "NA" is not a list of texts',
    'write for example `nullValues: [ "", NA ]`',
  ],
  [
    ['model: m', 'input: { path: i, csv: { types: { zip: 5 } } }', 'output: o'],
    '5:39 jobs.a.input.csv.types.zip: 5 is not the name of a DuckDB type',
    'put it in quotes: "5"',
  ],
  [
    ['model: m', 'input: i', 'output: { path: o, format: parket }'],
    '6:24 jobs.a.output.format: "parket" is not one of parquet, csv, jsonl, arrow',
    'did you mean "parquet"?',
  ],
  [
    ['model: m', 'input: i', 'output: { path: o, format: csv, compression: snappy }'],
    '6:37 jobs.a.output.compression: "snappy" is not a compression of csv files, which take gzip, zstd, none',
    'write `compression: gzip`',
  ],
  [
    ['model: m', 'input: i', 'output: { path: o, format: arrow, compression: zstd }'],
    '6:39 jobs.a.output.compression: "zstd" is not a compression of arrow files, which take none',
    'leave it out, or write `format: parquet`',
  ],
  [
    ['model: m', 'input: i', 'output: { path: o, mode: replace }'],
    '6:24 jobs.a.output.mode: "replace" is not one of error, overwrite, append, ignore',
    'write for example `mode: overwrite`',
  ],
  [
    ['model: m', 'input: i', 'output: { path: o, keepVersions: 0 }'],
    '6:24 jobs.a.output.keepVersions: 0 is not a whole number of at least 1',
    'write for example `keepVersions: 3`',
  ],
  [
    ['model: m', 'input: i', 'output: { path: o, keep: id }'],
    '6:24 jobs.a.output.keep: "id" is not a list of columns or "*"',
    'write for example `keep: [ flight_id ]`',
  ],
  [
    ['model: m', 'input: i', 'output: { path: o, keep: [id, id] }'],
    '6:24 jobs.a.output.keep: names a column twice',
    'name each column once',
  ],
  [
    ['model: m', 'input: i', 'output: { path: o, keep: [p], columns: { p: label } }'],
    '6:46 jobs.a.output.columns.p: p is a kept column too',
    'rename the output column, or take p out of keep',
  ],
  [
    ['model: m', 'input: i', 'output: { path: o, columns: { p: 1 } }'],
    '6:35 jobs.a.output.columns.p: 1 is not an expression over model outputs',
    'put it in quotes: "1"',
  ],
];

describe('a job with an error says where, what, and what to do', () => {
  it.each(inAJob)('%s', (lines, message, hint) => {
    expect(refusal(withMinimalJob(lines))).toMatchObject({
      code: 'SPEC_INVALID',
      message: `jobs.yaml:${message}`,
      hint,
    });
  });

  it.each(wholeJobs)('%j', (lines, message, hint) => {
    expect(refusal(withJob(...lines))).toMatchObject({ code: 'SPEC_INVALID', message: `jobs.yaml:${message}`, hint });
  });
});
