import { z } from 'zod';
import { closedMap, field, oneOf, text, wholeNumber } from './fields.ts';

const outputFormats = ['parquet', 'csv', 'jsonl', 'arrow'] as const;
const compressions = ['zstd', 'snappy', 'gzip', 'none'] as const;
const writeModes = ['error', 'overwrite', 'append', 'ignore'] as const;

type Compression = (typeof compressions)[number];

interface Compressions {
  readonly all: readonly Compression[];
  readonly usual: Compression;
}

const compressionsOf: Readonly<Record<(typeof outputFormats)[number], Compressions>> = {
  parquet: { all: compressions, usual: 'zstd' },
  csv: { all: ['gzip', 'zstd', 'none'], usual: 'none' },
  jsonl: { all: ['gzip', 'zstd', 'none'], usual: 'none' },
  arrow: { all: ['none'], usual: 'none' },
};

const keepError = 'is not a list of columns or "*"';

const outputFields = closedMap(
  {
    path: field(
      text('a path'),
      'The folder that the predictions are published to, relative to this spec. Takes templates, like a date.',
      'out/scores',
    ),
    format: field(oneOf(outputFormats).default('parquet'), 'Format of the output files.', 'parquet'),
    compression: field(
      oneOf(compressions).optional(),
      'Compression of the output files. Parquet takes all (zstd if left out); csv and jsonl take gzip, zstd, none (none if left out); arrow takes none.',
      'zstd',
    ),
    mode: field(
      oneOf(writeModes).default('error'),
      'What to do when something is published there already: fail, replace it, add to it, or leave it and score nothing.',
      'overwrite',
    ),
    keepVersions: field(
      wholeNumber(1).default(1),
      'How many published versions are kept, the newest counted; from 2 on, `rollback` can bring one back.',
      3,
    ),
    keep: field(
      z
        .union([z.literal('*'), z.array(text('a column'), { error: keepError })], { error: keepError })
        .refine((keep) => keep === '*' || new Set(keep).size === keep.length, {
          error: 'names a column twice',
          params: { hint: 'name each column once' },
        })
        .default([]),
      'Input columns that are copied next to the predictions; "*" is all of them.',
      ['flight_id'],
    ),
    nonFinite: field(
      oneOf(['reject', 'allow']).default('reject'),
      'What to do with a row whose prediction is NaN or infinite: reject it, or publish it as it is.',
      'allow',
    ),
    columns: field(
      z
        .record(z.string(), text('an expression over model outputs'), { error: 'is not a map of column to expression' })
        .optional(),
      'Output columns, each with the expression over model outputs that fills it; every model output if left out. An output is written by its name, `name[0]` is its first value, and argmax, max, softmax, sigmoid, normalize, cls, round(x, 3), threshold(x, 0.5), topk(x, 3), topkValues(x, 3), label(argmax(x), labels.json) and meanPool(x) nest.',
      { late: 'label', late_probability: 'probabilities[1]' },
    ),
  },
  'is not a path or a map',
);

export const outputSchema = outputFields
  .superRefine(({ format, compression, keep, columns }, context) => {
    const { all } = compressionsOf[format];
    if (compression !== undefined && !all.includes(compression)) {
      const hint = format === 'arrow' ? 'leave it out, or write `format: parquet`' : 'write `compression: gzip`';
      const message = `"${compression}" is not a compression of ${format} files, which take ${all.join(', ')}`;
      context.addIssue({ code: 'custom', path: ['compression'], message, params: { hint } });
    }
    for (const name of keep === '*' ? [] : keep) {
      if (columns === undefined || !Object.hasOwn(columns, name)) continue;
      const params = { hint: `rename the output column, or take ${name} out of keep` };
      context.addIssue({ code: 'custom', path: ['columns', name], message: `${name} is a kept column too`, params });
    }
  })
  .transform((output) => ({ ...output, compression: output.compression ?? compressionsOf[output.format].usual }));
