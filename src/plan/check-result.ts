import { z } from 'zod';

/** What a check found; numbers that JSON cannot hold are texts. */
export const checkResultSchema = z
  .strictObject({
    name: z.string(),
    /** Absent when a check is about the table; several are joined by commas. */
    column: z.string().optional(),
    severity: z.enum(['error', 'warn']),
    passed: z.boolean(),
    /** Absent when there was nothing to measure. */
    value: z.union([z.number(), z.string()]).optional(),
    /** A number where there is one, the side by the check's name; else in words. */
    bound: z.union([z.number(), z.string()]),
    /** Rows at fault. */
    rows: z.number().optional(),
    /** One of them. */
    example: z.string().optional(),
    note: z.string().optional(),
  })
  .readonly();
export type CheckResult = z.infer<typeof checkResultSchema>;

/** A failed check in a sentence: `min: late_probability is -0.2, not at least 0 (3 rows, e.g. flight_id 7)`. */
export function checkText(result: CheckResult): string {
  const { rows, example, note, value } = result;
  const faults = [
    ...(rows === undefined || rows === value ? [] : [`${rows} ${rows === 1 ? 'row' : 'rows'}`]),
    ...(example === undefined ? [] : [`e.g. ${example}`]),
    ...(note === undefined ? [] : [note]),
  ];
  return `${findingText(result)}${faults.length === 0 ? '' : ` (${faults.join(', ')})`}`;
}

function findingText(result: CheckResult): string {
  const { name, column = '', value, bound } = result;
  switch (name) {
    case 'notNull':
      return `notNull: ${column} is null in ${rowsText(value)}`;
    case 'unique':
      return `unique: ${column} is repeated in ${rowsText(value)}`;
    case 'accepted':
      return `accepted: ${column} is none of ${bound} in ${rowsText(value)}`;
    default:
      return `${subjectOf(result)} ${value === undefined ? 'has no value' : `is ${valueText(result)}`}, not ${boundText(result)}`;
  }
}

/** Any check in a few words: `min: late_probability is 0.1, at least 0`. */
export function resultText(result: CheckResult): string {
  if (!result.passed) return checkText(result);
  const { name, value, bound, note } = result;
  const subject = subjectOf(result);
  if (note !== undefined) return `${subject} (${note})`;
  switch (name) {
    case 'notNull':
    case 'unique':
      return subject;
    case 'accepted':
      return `${subject} is one of ${bound}`;
    default:
      return value === undefined
        ? `${subject} has no value`
        : `${subject} is ${valueText(result)}, ${boundText(result)}`;
  }
}

function subjectOf({ name, column }: CheckResult): string {
  return column === undefined ? name : `${name}: ${column}`;
}

/** Six digits, unless they would make it look like its bound. */
function valueText({ value, ...result }: CheckResult): string {
  if (typeof value !== 'number' || Number.isInteger(value)) return String(value);
  const short = String(Number(value.toPrecision(6)));
  return boundText(result).split(' ').includes(short) ? String(value) : short;
}

function boundText({ name, bound }: Pick<CheckResult, 'name' | 'bound'>): string {
  if (typeof bound === 'string') return bound;
  const side: Readonly<Record<string, string>> = { min: 'at least ', rowCount: '' };
  return `${side[name] ?? 'at most '}${bound}`;
}

function rowsText(count: number | string | undefined): string {
  return `${count ?? 0} ${count === 1 ? 'row' : 'rows'}`;
}
