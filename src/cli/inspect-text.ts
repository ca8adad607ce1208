import { relative } from 'node:path';
import type { TokenizerFile, ValueSignature } from '../model/contract.ts';
import type { InspectedColumn, InspectedDataset, InspectedModel, Inspection } from '../run/inspect.ts';
import { aligned, bytesText, cellText, countText, pluralText } from './aligned.ts';
import { shareText } from './share-text.ts';

const maxCellWidth = 32;
const maxMetadataWidth = 100;

/** What `inspect` prints for people. */
export function inspectionText({ models, dataset }: Inspection): string {
  const parts = models.map(modelText);
  if (dataset !== undefined) parts.push(datasetText(dataset));
  return parts.join('\n');
}

/** `[N, 14]`: N for the free first dimension, ? for other free ones without a name. */
function shapeText(shape: readonly (number | string)[]): string {
  return `[${shape.map((dim, index) => (dim === '' ? (index === 0 ? 'N' : '?') : dim)).join(', ')}]`;
}

function modelText({ path, sha256, sizeBytes, facts, tokenizer }: InspectedModel): string {
  const opsets = facts.opsets.map(({ domain, version }) => `${domain === '' ? 'ai.onnx' : domain} ${version}`);
  const lines = [
    ['size', bytesText(sizeBytes)],
    ['sha256', sha256],
    ['IR version', String(facts.irVersion)],
    ['opsets', opsets.join(', ')],
    ['producer', facts.producer],
    ['external data', facts.externalData.join(', ')],
    ['tokenizer', tokenizer === undefined ? '' : tokenizerText(tokenizer)],
    ...Object.entries(facts.metadata).map(([key, value]) => [
      'metadata',
      cellText(`${key}: ${value}`, maxMetadataWidth),
    ]),
  ].filter(([, value]) => value !== '');
  const { inputs, outputs } = facts.signature;
  return [
    `model ${shortPath(path)}\n`,
    aligned(lines, { indent: 2 }),
    '  inputs\n',
    aligned(inputs.map(valueCells), { indent: 4 }),
    '  outputs\n',
    aligned(
      outputs.map((output) => [
        ...valueCells(output),
        facts.unzippedOutputs.includes(output.name) ? 'a ZipMap in the file, exposed as the tensor that feeds it' : '',
      ]),
      { indent: 4 },
    ),
  ].join('');
}

/** What reads the texts of a model, for its spec. */
function tokenizerText({ path, kind, vocabularySize, maxLength }: TokenizerFile): string {
  const most = maxLength === undefined ? 'cuts nothing' : `cuts at ${countText(maxLength)}`;
  return `${shortPath(path)}: ${kind}, ${countText(vocabularySize)} tokens, ${most}`;
}

function valueCells(value: ValueSignature): string[] {
  return value.kind === 'tensor'
    ? [value.name, value.type, shapeText(value.shape)]
    : [value.name, value.type, 'cannot be fed or fetched'];
}

function datasetText(dataset: InspectedDataset): string {
  const { files, rowGroups, rowCount, partitionKeys } = dataset;
  const groups =
    rowGroups === undefined
      ? ''
      : rowGroups.minRows === rowGroups.maxRows
        ? `${countText(rowGroups.count)} of ${pluralText(rowGroups.maxRows, 'row')}`
        : `${countText(rowGroups.count)} of ${countText(rowGroups.minRows)} to ${pluralText(rowGroups.maxRows, 'row')}`;
  const rows =
    rowCount === undefined ? 'not counted: the text is large; --nulls or --rows N reads it' : countText(rowCount);
  const rejected = dataset.rejectedLines ?? 0;
  const lines = [
    ['format', dataset.format],
    ['files', countText(files.length)],
    ['rows', rows],
    ['bad lines', rejected === 0 ? '' : `${countText(rejected)} that cannot be parsed`],
    ['size', bytesText(dataset.sizeBytes)],
    ['row groups', groups],
    ['partition keys', partitionKeys.join(', ')],
  ].filter(([, value]) => value !== '');
  const parts = [
    `dataset ${dataset.paths.length <= 3 ? dataset.paths.join(' ') : `${dataset.paths.slice(0, 2).join(' ')} … (${pluralText(dataset.paths.length, 'path')})`}\n`,
    aligned(lines, { indent: 2 }),
    `  ${pluralText(dataset.columns.length, 'column')}\n`,
    aligned(
      dataset.columns.map((column) => columnCells(column, dataset)),
      { indent: 4 },
    ),
  ];
  if (dataset.firstRows.length > 0) parts.push(rowsText(dataset));
  return parts.join('');
}

function columnCells(column: InspectedColumn, { rowCount, partitionKeys }: InspectedDataset): string[] {
  const notes = [];
  if (column.listShape !== undefined)
    notes.push(
      column.listShape.length === 0 ? 'lists, all null' : `lists of ${column.listShape.join(' × ')}, by the first one`,
    );
  if (partitionKeys.includes(column.name)) notes.push('from the folder names');
  if (column.widened) notes.push('files differ, widened');
  return [
    cellText(column.name, maxCellWidth),
    cellText(column.type, maxCellWidth),
    nullsText(column, rowCount),
    notes.join(', '),
  ];
}

function nullsText({ nullCount }: InspectedColumn, rowCount: number | undefined): string {
  if (nullCount === undefined) return 'nulls unknown';
  if (nullCount === 0) return 'no nulls';
  const share = rowCount === undefined || rowCount === 0 ? '' : ` (${shareText(nullCount / rowCount)})`;
  return `${pluralText(nullCount, 'null')}${share}`;
}

function rowsText({ firstRows, columns }: InspectedDataset): string {
  const names = columns.map((column) => column.name);
  const cells = firstRows.map((row) => names.map((name) => cellText(valueText(row[name]), maxCellWidth)));
  return `  first ${pluralText(firstRows.length, 'row')}\n${aligned([names.map((name) => cellText(name, maxCellWidth)), ...cells], { indent: 4 })}`;
}

function valueText(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function shortPath(path: string): string {
  const short = relative('', path);
  return short.startsWith('..') || short === '' ? path : short;
}
