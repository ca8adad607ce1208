import { join } from 'node:path';
import { assertNever } from '../core/errors.ts';
import { inputWarnings } from '../plan/input-warnings.ts';
import { runLayout } from '../plan/layout.ts';
import { predictedColumns } from '../plan/predicted-columns.ts';
import { type PlanFeature, type RunPlan, shardRowCount, type TextPlan } from '../plan/run-plan.ts';
import { dateText } from '../run/date-job.ts';
import type { JobPlan } from '../run/plan-job.ts';
import type { RunStart } from '../run/run-start.ts';
import { aligned, bytesText, cellText, countText, pluralText } from './aligned.ts';
import { batchText } from './batch-text.ts';
import { cacheText } from './cache-text.ts';
import type { Paint } from './colour.ts';
import { pixelsText } from './image-text.ts';
import { shardRows } from './shard-rows.ts';
import { shareText } from './share-text.ts';
import { shownPath } from './shown-path.ts';

export interface PlanTextOptions {
  readonly paint: Paint;
  /** Paths below it are shown relative to it. */
  readonly folder: string;
  /** Whether long lists are cut, as a terminal wants it. */
  readonly isCut: boolean;
  /** Whether every shard is told, however many there are. */
  readonly isVerbose: boolean;
}

type Row = readonly [name: string, text: string];

const namesWidth = 70;

/** What a run would do, for people: one row for each thing, one more for each of several. */
export function planText(job: JobPlan, options: PlanTextOptions): string {
  const { paint } = options;
  const { name, description } = job.request.job;
  const rows = [
    ...dateRows(job.request),
    ...inputRows(job, options),
    ...modelRows(job.plan, options),
    ...featureRows(job.plan.features),
    ...imageRows(job.plan, options),
    ...repeatRows(job),
    ...cacheRows(job, options),
    ...inputWarnings(job.plan, job.request.job.execution).map((text): Row => ['warn', paint('yellow', text)]),
    ...outputRows(job, options),
    ...shardRows(job.shards, options.isVerbose),
    ...executionRows(job, options.folder),
  ];
  const named = rows.map(([label, text]) => [paint('dim', label.padEnd(9)), text]);
  const title = `${paint('bold', name)}${description === undefined ? '' : `  ${paint('dim', description)}`}`;
  return `${title}\n${aligned(named, { indent: 2 })}`;
}

function dateRows({ date }: JobPlan['request']): readonly Row[] {
  return date?.isShown === true ? [['date', dateText(date.logicalDate)]] : [];
}

function inputRows({ request, plan }: JobPlan, options: PlanTextOptions): readonly Row[] {
  const { folder } = options;
  const { dataset } = plan;
  const [first] = dataset.files;
  const bytes = dataset.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const rows = dataset.files.reduce((sum, file) => sum + file.rowCount, 0);
  const more = dataset.files.length > 1 ? ` and ${countText(dataset.files.length - 1)} more` : '';
  const copied = dataset.format === 'parquet' ? '' : ', copied to Parquet once';
  return [
    ['input', `${first === undefined ? 'no file' : shownPath(first.source, folder)}${more}`],
    ['', `${dataset.format}, ${pluralText(rows, 'row')}, ${bytesText(bytes)}${copied}`],
    ...optionalRow('', dataset.rejectedLines, (lines) =>
      lines === 0 ? undefined : `${pluralText(lines, 'line')} cannot be parsed and will be rejected`,
    ),
    ...optionalRow('where', dataset.where, (where) => cut(where, options)),
    ...optionalRow('limit', request.job.input.limit, (limit) => limitText(limit, dataset.where)),
    ['shards', shardsText(plan)],
  ];
}

function limitText(limit: number, where: string | undefined): string {
  return `the first ${pluralText(limit, 'row')}${where === undefined ? '' : ' that where keeps'}`;
}

/** A text on one line, which only a terminal needs to be short. */
function cut(text: string, { isCut }: PlanTextOptions): string {
  return cellText(text, isCut ? 100 : Number.POSITIVE_INFINITY);
}

function optionalRow<Value>(
  name: string,
  value: Value | undefined,
  text: (value: Value) => string | undefined,
): readonly Row[] {
  const shown = value === undefined ? undefined : text(value);
  return shown === undefined ? [] : [[name, shown]];
}

function shardsText({ shards, rowCount }: RunPlan): string {
  const sizes = shards.map(shardRowCount);
  // Not Math.min(...sizes): there may be more shards than a call takes arguments.
  const least = sizes.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const most = sizes.reduce((a, b) => Math.max(a, b), 0);
  if (shards.length === 1) return `1 shard of ${pluralText(rowCount, 'row')}`;
  const each = least === most ? `${countText(most)} each` : `${countText(least)} to ${countText(most)} each`;
  return `${pluralText(shards.length, 'shard')} over ${pluralText(rowCount, 'row')}, ${each}`;
}

function modelRows({ model }: RunPlan, options: PlanTextOptions): readonly Row[] {
  const values = (list: RunPlan['model']['signature']['inputs']) =>
    list.map((value) =>
      value.kind === 'tensor' ? `${value.name} ${typeText(value.type, value.shape)}` : `${value.name} ${value.type}`,
    );
  return [
    [
      'model',
      `${shownPath(model.path, options.folder)}  sha256 ${model.sha256.slice(0, 12)}, ${bytesText(model.sizeBytes)}`,
    ],
    ['', `in   ${cut(values(model.signature.inputs).join(', '), options)}`],
    ['', `out  ${cut(values(model.signature.outputs).join(', '), options)}`],
  ];
}

/** `float32[N, 14]`: a free dimension has its name, or `?`. */
function typeText(type: string, shape: readonly (number | string)[]): string {
  const dims = shape.map((dim, index) => (dim === '' ? (index === 0 ? 'N' : '?') : dim));
  return `${type}[${dims.join(', ')}]`;
}

function featureRows(features: readonly PlanFeature[]): readonly Row[] {
  const width = features.reduce((most, { input }) => Math.max(most, input.length), 0);
  return features.flatMap((feature, index): readonly Row[] => {
    const { input, columns, element, innerShape, nulls, text } = feature;
    const policy = nulls === 'reject' ? 'nulls are rejected' : `nulls become ${nullText(nulls)}`;
    const isNullFree = columns.every((column) => column.nullFree);
    const made = text === undefined ? typeText(element, ['', ...innerShape]) : tokensText(text);
    const tensor = `${made}, ${isNullFree ? 'no nulls' : policy}`;
    const label = index === 0 ? 'features' : '';
    const name = input.padEnd(width);
    const [only] = columns;
    if (only !== undefined && columns.length === 1) return [[label, `${name}  ← ${only.name} as ${tensor}`]];
    const lines = wrapped(columns.map((column) => column.name));
    const indent = ' '.repeat(width + 4);
    return [
      [label, `${name}  ← ${columns.length} columns as ${tensor}`],
      ...lines.map((line): Row => ['', `${indent}${line}`]),
    ];
  });
}

/** Below it, nobody is told of repeats that does not ask. */
const leastShare = 0.005;

/** What scoring each distinct row once is worth. */
function repeatRows({ repeats, plan }: JobPlan): readonly Row[] {
  if (repeats === undefined || repeats.rows === 0) return [];
  const share = (repeats.rows - repeats.distinctRows) / repeats.rows;
  const isOn = plan.dedupe === true || plan.cache !== undefined;
  if (share < leastShare && !isOn) return [];
  const advice = isOn ? '' : '; `dedupe: true` scores them once';
  return [['repeats', `${shareText(share)} of the first ${pluralText(repeats.rows, 'row')} are like another${advice}`]];
}

function cacheRows({ cache, modelKeeping }: JobPlan, { paint, folder }: PlanTextOptions): readonly Row[] {
  const { isKept, reason } = modelKeeping;
  return [
    ...(cache === undefined ? [] : [['cache', cacheText(cache, folder)] as const]),
    ...(isKept ? [['', 'the model is kept as ONNX Runtime has optimised it'] as const] : []),
    ...(reason === undefined ? [] : [['warn', paint('yellow', reason)] as const]),
  ];
}

function imageRows({ images = [] }: RunPlan, { folder }: PlanTextOptions): readonly Row[] {
  return images.flatMap((image, index): readonly Row[] => {
    const { input, column, raw, root = '', element, innerShape, layout, colour } = image;
    const from = raw === 'bytes' ? 'images' : `paths of images under ${shownPath(root, folder)}`;
    const tensor = `${typeText(element, ['', ...innerShape])}, ${layout}, ${colour}`;
    return [
      [index === 0 ? 'images' : '', `${input}  ← ${column.name}, ${from}, as ${tensor}`],
      ['', `${' '.repeat(input.length + 4)}${pixelsText(image)}`],
    ];
  });
}

/** `at most 256 WordPiece tokens of 30,522`, and what they fill. */
function tokensText({ tokenizer, maxLength, fixedLength, truncation, ...inputs }: TextPlan): string {
  const most = fixedLength === undefined ? 'at most' : `padded to ${countText(fixedLength)}, at most`;
  const longer = truncation ? '' : ', longer ones are rejected';
  const { kind, vocabularySize } = tokenizer;
  const tokens = `${most} ${countText(maxLength)} ${kind} tokens of ${countText(vocabularySize)}${longer}`;
  const { ids, mask, types } = inputs;
  const names = [ids, mask, types].flatMap((input) => input?.name ?? []);
  return `${names.join(', ')}: ${tokens}`;
}

/** Names on as many lines as they take. */
function wrapped(names: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const name of names) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + name.length + 2 <= namesWidth) lines[lines.length - 1] = `${last}, ${name}`;
    else lines.push(name);
  }
  return lines;
}

function nullText(nulls: Exclude<PlanFeature['nulls'], 'reject'>): string {
  return nulls === 'nan' ? 'NaN' : JSON.stringify(nulls.value);
}

function outputRows(job: JobPlan, options: PlanTextOptions): readonly Row[] {
  const { paint, folder } = options;
  const { plan, start, outputFolder } = job;
  const { format, compression } = plan.part;
  const types = new Map(plan.dataset.columns.map((column) => [column.name, column.type]));
  const kept = plan.keep.map((name) => `${name} ${types.get(name) ?? ''}`);
  const predicted = predictedColumns(plan).map(
    ({ name, type, innerShape }) => `${name} ${isOneValue(innerShape) ? type : `${type}[${innerShape.join(', ')}]`}`,
  );
  return [
    ['output', `${shownPath(outputFolder, folder)}  ${format}${compression === 'none' ? '' : `, ${compression}`}`],
    ['', startText(start, job, paint)],
    ['keep', kept.length === 0 ? 'no column' : cut(kept.join(', '), options)],
    ['predict', cut(predicted.join(', '), options)],
    ...checkRows(plan, options),
  ];
}

function checkRows({ checks = [] }: RunPlan, options: PlanTextOptions): readonly Row[] {
  const texts = checks.map((check) => {
    const columns = 'columns' in check ? check.columns.join(', ') : 'column' in check ? check.column : '';
    return `${check.type}${columns === '' ? '' : ` ${columns}`}${check.severity === 'warn' ? ' (warn)' : ''}`;
  });
  return texts.length === 0 ? [] : [['checks', cut(texts.join('; '), options)]];
}

/** `[rows, 1]` is written as `[rows]` is: one value a row. */
function isOneValue(innerShape: readonly (number | string)[]): boolean {
  return innerShape.length === 0 || (innerShape.length === 1 && innerShape[0] === 1);
}

function startText(start: RunStart, { request, plan }: JobPlan, paint: Paint): string {
  const { mode } = request.job.output;
  switch (start.state) {
    case 'new':
      if (start.publishedRunId === undefined) return `mode ${mode}: nothing is published there yet`;
      return mode === 'append'
        ? `mode append: adds to the ${pluralText(start.publishedParts, 'part')} that are there`
        : `mode ${mode}: replaces run ${start.publishedRunId}`;
    case 'resume':
      return `goes on with run ${start.runId}: ${start.shardsDone} of ${pluralText(plan.shards.length, 'shard')} done`;
    case 'skip':
      return `mode ignore: run ${start.publishedRunId ?? ''} is published there, so nothing would be scored`;
    case 'refuse':
      return `${paint('red', 'the run would stop:')} ${start.error.code}`;
    default:
      return assertNever(start);
  }
}

function executionRows(job: JobPlan, folder: string): readonly Row[] {
  const { slots, batch: size, plan, prefetch, memory } = job;
  if (slots.length === 0) return [['workers', 'none: nothing is left to score']];
  const devices = [
    ...new Set(slots.map(({ device }) => (device.kind === 'cpu' ? 'cpu' : `${device.name} (${device.description})`))),
  ];
  const threads = slots[0]?.intraOpThreads ?? 1;
  const batch = size === undefined ? 'measured when a worker is warm' : batchText(size);
  const fixed = plan.fixedBatchRows === undefined ? '' : ', which the model fixes';
  return [
    ['workers', `${slots.length} × ${pluralText(threads, 'thread')} on ${devices.join(', ')}`],
    ['batch', `${batch}${fixed}, ${prefetch ? 'read ahead' : 'not read ahead'}`],
    ['memory', `about ${bytesText(memory.totalBytes)}, ${bytesText(memory.workerBytes)} a worker`],
    ...askedRows(job, folder),
  ];
}

/** What a job asks for beside the scoring. */
function askedRows({ request, outputFolder, start }: JobPlan, folder: string): readonly Row[] {
  const { warmup, profile } = request.job.execution;
  const runId = start.state === 'resume' ? start.runId : '<run>';
  const where = shownPath(join(outputFolder, runLayout(runId).profile), folder);
  return [
    ...(warmup === 'auto' ? [] : [['warmup', `${pluralText(warmup, 'batch', 'batches')} a worker`] as const]),
    ...(profile ? [['profile', `of each worker's first shard, in ${where}`] as const] : []),
  ];
}
