import { z } from 'zod';
import type { Check } from './check.ts';
import { closedMap, field, oneOf, oneOrMore, text, wholeNumber } from './fields.ts';

const severity = field(
  oneOf(['error', 'warn']).default('error'),
  'What a failure does: error publishes nothing, warn only tells.',
  'warn',
);
const column = field(text('a column'), 'The column of the output.', 'late_probability');
const columns = field(oneOrMore('a column', 'columns'), 'Columns of the output.', ['flight_id']);
const anyNumber = () => z.number({ error: 'is not a number' });
const notNegative = () => z.number({ error: 'is not a number of at least 0' }).min(0, 'is not a number of at least 0');
const fractionError = 'is not a number from 0 to 1';
const fraction = z.number({ error: fractionError }).min(0, fractionError).max(1, fractionError);
const columnsError = 'is not a column, a list of columns or a map';

interface Bounds {
  readonly equals?: unknown;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

function checkBounds({ equals, min, max }: Bounds, context: z.RefinementCtx): void {
  if (equals === undefined && min === undefined && max === undefined) {
    context.addIssue({ code: 'custom', message: 'has no bound', params: { hint: 'write min, max or both' } });
  } else if (min !== undefined && max !== undefined && min > max) {
    context.addIssue({ code: 'custom', message: 'has a min above its max', params: { hint: 'swap the two' } });
  }
}

const value = (what: string, example: number) =>
  field(closedMap({ column, value: field(anyNumber(), what, example), severity }).optional(), what, {
    column: 'late_probability',
    value: example,
  });

const notNull = closedMap({ columns, severity }, columnsError);
const unique = closedMap({ columns, severity }, columnsError);
const rowsError = 'is not input or a whole number of at least 0';
const rows = z.union([z.literal('input'), wholeNumber(0)], { error: rowsError });
const rowCount = closedMap(
  {
    equals: field(rows.optional(), 'This many rows; input is as many as were read and not filtered.', 'input'),
    min: field(wholeNumber(0).optional(), 'At least this many rows.', 1),
    max: field(wholeNumber(0).optional(), 'At most this many rows.', 1_000_000),
    severity,
  },
  'is not input, a number of rows or a map',
).superRefine(checkBounds);

const notNullText = 'No value of these columns is null.';
const uniqueText = 'Each combination of these columns occurs once.';
const rowCountText = 'How many rows there are; input is as many as were read and not filtered.';

const checkFields = {
  notNull: field(notNull.optional(), notNullText, ['flight_id']),
  min: value('No value is below this one; NaN fails.', 0),
  max: value('No value is above this one; NaN fails.', 1),
  accepted: field(
    closedMap({
      column,
      values: field(
        z
          .array(z.union([z.string(), z.number(), z.boolean()], { error: 'is not a text, a number, true or false' }), {
            error: 'is not a list of values',
          })
          .min(1, 'is not a list of values'),
        'The values that may occur; null may too.',
        [0, 1],
      ),
      severity,
    }).optional(),
    'No other values occur than these; null is left to notNull.',
    { column: 'late', values: [0, 1] },
  ),
  unique: field(unique.optional(), uniqueText, ['flight_id']),
  rowCount: field(rowCount.optional(), rowCountText, 'input'),
  mean: field(
    closedMap({
      column,
      min: field(anyNumber().optional(), 'The lowest mean.', 0.1),
      max: field(anyNumber().optional(), 'The highest mean.', 0.4),
      severity,
    })
      .superRefine(checkBounds)
      .optional(),
    'The mean of the values that are not null.',
    { column: 'late_probability', min: 0.1, max: 0.4 },
  ),
  nullFraction: field(
    closedMap({ column, max: field(fraction, 'The largest fraction, from 0 to 1.', 0.01), severity }).optional(),
    'How much of a column is null.',
    { column: 'x', max: 0.01 },
  ),
  distinct: field(
    closedMap({
      column,
      min: field(wholeNumber(0).optional(), 'At least this many.', 2),
      max: field(wholeNumber(0).optional(), 'At most this many.', 2),
      severity,
    })
      .superRefine(checkBounds)
      .optional(),
    'How many different values occur, null not counted.',
    { column: 'late', min: 2, max: 2 },
  ),
  psi: field(
    closedMap({
      column,
      max: field(notNegative(), 'The largest index; 0.2 is a common one.', 0.2),
      severity,
    }).optional(),
    'The population stability index of a number against the last published run, over the deciles of that run.',
    { column: 'late_probability', max: 0.2 },
  ),
};

const checkMap = closedMap(checkFields, 'is not a map of one check');

/** A job's checks whose short forms are written out. */
export const checksSchema = z.array(
  checkMap.transform((written, context): Check => {
    const [check, ...others] = checksIn(written);
    if (check !== undefined && others.length === 0) return check;
    context.addIssue({
      code: 'custom',
      message: check === undefined ? 'names no check' : 'names more than one check',
      params: { hint: 'write one item for each check: `- notNull: [flight_id]`' },
    });
    return z.NEVER;
  }),
  { error: 'is not a list of checks' },
);

function checksIn(written: z.output<typeof checkMap>): readonly Check[] {
  const { notNull, min, max, accepted, unique, rowCount, mean, nullFraction, distinct, psi } = written;
  return [
    notNull && { type: 'notNull' as const, ...notNull },
    min && { type: 'min' as const, ...min },
    max && { type: 'max' as const, ...max },
    accepted && { type: 'accepted' as const, ...accepted },
    unique && { type: 'unique' as const, ...unique },
    rowCount && { type: 'rowCount' as const, ...rowCount },
    mean && { type: 'mean' as const, ...mean },
    nullFraction && { type: 'nullFraction' as const, ...nullFraction },
    distinct && { type: 'distinct' as const, ...distinct },
    psi && { type: 'psi' as const, ...psi },
  ].filter((check) => check !== undefined);
}

const columnText = text('a column');
const columnList = z.array(columnText).min(1);

/** Checks as people write them, with the short forms; for editors. */
export const writtenChecksSchema = z.array(
  closedMap({
    ...checkFields,
    notNull: field(z.union([columnText, columnList, notNull]).optional(), notNullText, ['flight_id']),
    unique: field(z.union([columnText, columnList, unique]).optional(), uniqueText, ['flight_id']),
    rowCount: field(z.union([rows, rowCount]).optional(), rowCountText, 'input'),
  }),
);
