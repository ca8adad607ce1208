import { Document, isCollection, isMap, isNode, isScalar, type Pair } from 'yaml';

/** A job to be written down; every guess carries the comment that says so. */
export interface JobDraft {
  readonly name: string;
  /** Relative to the folder of the spec, like all paths. */
  readonly modelPath: string;
  readonly input: {
    readonly paths: readonly string[];
    /** Absent when the files' names tell. */
    readonly format?: string | undefined;
    readonly nullValues?: { readonly values: readonly string[]; readonly comment: string } | undefined;
  };
  readonly features: readonly FeatureDraft[];
  readonly output: {
    readonly path: string;
    readonly keep: { readonly columns: readonly string[]; readonly comment?: string | undefined };
    readonly columns: readonly ColumnDraft[];
    /** What cannot be had, and why. */
    readonly comments: readonly string[];
  };
  /** Why predictions that are no numbers are let through. */
  readonly nonFinite?: string | undefined;
  readonly maxRejected?: { readonly value: number | string; readonly comment: string } | undefined;
}

export interface FeatureDraft {
  readonly input: string;
  readonly columns: readonly string[];
  /** Lines above the feature. */
  readonly comments: readonly string[];
  /** The feature is a text, and no model input. */
  readonly tokenizer?: string | undefined;
  /** The column holds images, and how they become pixels. */
  readonly image?: { readonly resize: readonly [number, number]; readonly isGrey: boolean } | undefined;
  readonly nulls?: { readonly value: string | number; readonly comment: string } | undefined;
}

export interface ColumnDraft {
  readonly name: string;
  readonly expression: string;
  readonly comment?: string | undefined;
}

const commentWidth = 90;
/** More columns than this are written one a line, so that a diff shows which one moved. */
const maxFlowColumns = 6;

/** The text of a spec with one job. @param header lines of the comment at its top */
export function writeSpec(job: JobDraft, header: readonly string[]): string {
  const document = new Document({ version: 1, jobs: { [job.name]: jobData(job) } });
  document.commentBefore = header.map((line) => (line === '' ? '' : ` ${line}`)).join('\n');
  const written = at(at(document.contents, 'jobs'), job.name);
  const jobs = pairOf(document.contents, 'jobs');
  if (isNode(jobs?.key)) jobs.key.spaceBefore = true;
  commentInput(at(written, 'input'), job);
  for (const feature of job.features) commentFeature(at(written, 'features'), feature);
  commentOutput(at(written, 'output'), job);
  if (job.maxRejected !== undefined)
    commentAfter(pairOf(at(written, 'errors'), 'maxRejected'), job.maxRejected.comment);
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function jobData({ modelPath, input, features, output, nonFinite, maxRejected }: JobDraft): Record<string, unknown> {
  const paths = input.paths.map(literal);
  return {
    model: literal(modelPath),
    input: {
      path: paths.length === 1 ? paths[0] : paths,
      ...(input.format === undefined ? {} : { format: input.format }),
      ...(input.nullValues === undefined ? {} : { csv: { nullValues: input.nullValues.values.map(literal) } }),
    },
    features: Object.fromEntries(features.map((feature) => [feature.input, featureData(feature)])),
    output: {
      path: literal(output.path),
      mode: 'overwrite',
      keep: output.keep.columns.map(literal),
      ...(nonFinite === undefined ? {} : { nonFinite: 'allow' }),
      columns: Object.fromEntries(output.columns.map(({ name, expression }) => [name, literal(expression)])),
    },
    ...(maxRejected === undefined ? {} : { errors: { maxRejected: maxRejected.value } }),
  };
}

function featureData({ columns, nulls, tokenizer, image }: FeatureDraft): unknown {
  const names = columns.map(literal);
  if (image !== undefined)
    return { image: { column: names[0], resize: image.resize, ...(image.isGrey ? { colour: 'grey' } : {}) } };
  if (tokenizer !== undefined) {
    const policy = nulls === undefined ? {} : { nulls: nulls.value };
    return { column: names[0], tokenizer: literal(tokenizer), ...policy };
  }
  if (nulls === undefined) return names.length === 1 ? names[0] : names;
  return { columns: names, nulls: nulls.value };
}

/** A `${` in a name or path is meant as it stands. */
function literal(text: string): string {
  return text.replaceAll('${', () => '$${');
}

function commentInput(input: unknown, { input: { nullValues } }: JobDraft): void {
  if (nullValues === undefined) return;
  const csv = at(input, 'csv');
  flow(at(csv, 'nullValues'));
  commentBefore(pairOf(csv, 'nullValues'), [nullValues.comment]);
}

function commentFeature(features: unknown, feature: FeatureDraft): void {
  const pair = pairOf(features, feature.input);
  commentBefore(pair, feature.comments);
  const isShort = feature.columns.length <= maxFlowColumns;
  if (feature.nulls === undefined) {
    flow(at(at(pair?.value, 'image'), 'resize'));
    if (isShort && feature.tokenizer === undefined && feature.image === undefined) flow(pair?.value);
    return;
  }
  if (isShort) flow(at(pair?.value, 'columns'));
  commentBefore(pairOf(pair?.value, 'nulls'), [feature.nulls.comment]);
}

const modeComment = 'replaces what this job published before; the default is error';
const keepComment = 'passes through untouched';

function commentOutput(output: unknown, { output: { keep, columns, comments }, nonFinite }: JobDraft): void {
  commentAfter(pairOf(output, 'nonFinite'), nonFinite);
  commentAfter(pairOf(output, 'mode'), modeComment);
  const isFlow = keep.columns.length <= maxFlowColumns;
  if (isFlow) flow(at(output, 'keep'));
  commentAfter(pairOf(output, 'keep'), keep.comment ?? (isFlow ? keepComment : undefined));
  if (keep.comment === undefined && !isFlow) commentBefore(pairOf(output, 'keep'), [keepComment]);
  commentBefore(pairOf(output, 'columns'), [
    'What is written: a name, and the output of the model that it comes from.',
    ...comments,
  ]);
  for (const column of columns) commentAfter(pairOf(at(output, 'columns'), column.name), column.comment);
}

function pairOf(map: unknown, key: string): Pair<unknown, unknown> | undefined {
  return isMap(map) ? map.items.find((pair) => (isScalar(pair.key) ? pair.key.value : pair.key) === key) : undefined;
}

function at(map: unknown, key: string): unknown {
  return pairOf(map, key)?.value;
}

function flow(node: unknown): void {
  if (isCollection(node)) node.flow = true;
}

function commentBefore(pair: Pair<unknown, unknown> | undefined, comments: readonly string[]): void {
  const lines = comments.flatMap(wrapped);
  if (isNode(pair?.key) && lines.length > 0) pair.key.commentBefore = lines.map((line) => ` ${line}`).join('\n');
}

function commentAfter(pair: Pair<unknown, unknown> | undefined, comment: string | undefined): void {
  if (isNode(pair?.value) && comment !== undefined) pair.value.comment = ` ${comment}`;
}

function wrapped(comment: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of comment.split(/\s+/)) {
    if (line !== '' && line.length + word.length >= commentWidth) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
