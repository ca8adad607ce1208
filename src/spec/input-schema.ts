import { z } from 'zod';
import { closedMap, field, oneOf, oneOrMore, text, wholeNumber } from './fields.ts';

const inputFormats = ['auto', 'parquet', 'csv', 'jsonl', 'arrow'] as const;

const delimiterError = 'is not auto or one character';

const csvSchema = closedMap({
  delimiter: field(
    z
      .union([z.literal('auto'), z.string().regex(/^(?:[^\r\n"]|\\t)$/, { error: delimiterError })], {
        error: delimiterError,
      })
      .default('auto')
      .transform((delimiter) => (delimiter === '\\t' ? '\t' : delimiter)),
    'What separates the values: auto, or one character (\\t is a tab).',
    ';',
  ),
  header: field(
    z.union([z.literal('auto'), z.boolean()], { error: 'is not auto, true or false' }).default('auto'),
    'Whether the first line names the columns.',
    true,
  ),
  nullValues: field(
    z.array(z.string({ error: 'is not a text' }), { error: 'is not a list of texts' }).default(['']),
    'The texts that stand for null; [""] if left out.',
    ['', 'NA'],
  ),
  types: field(
    z.record(z.string(), text('the name of a DuckDB type'), { error: 'is not a map of column to type' }).default({}),
    'DuckDB types of columns whose type is not to be guessed.',
    { zip: 'VARCHAR' },
  ),
});

export const inputSchema = closedMap(
  {
    path: field(
      oneOrMore('a path', 'paths'),
      'What to score: a file, a glob, a folder or a Hive partition root, or a list of them; relative to this spec. Takes templates, like a date.',
      'data/flights/*.parquet',
    ),
    format: field(oneOf(inputFormats).default('auto'), 'Format of the input; auto goes by the file name.', 'parquet'),
    csv: field(csvSchema.prefault({}), 'How CSV files are read.', { delimiter: ';' }),
    where: field(
      text('a SQL condition').optional(),
      'A SQL condition; only rows that meet it are scored. A template in it, like a date, is a text literal.',
      'dep_delay IS NOT NULL',
    ),
    limit: field(wholeNumber(1).optional(), 'Scores this many rows at most.', 10_000),
  },
  'is not a path, a list of paths or a map',
).transform(({ path, ...rest }) => ({ paths: path, ...rest }));
