import { assertNever } from '../core/errors.ts';
import type { Measure, Measurement } from '../dataset/contract.ts';
import type { Check } from '../spec/check.ts';
import type { CheckResult } from './check-result.ts';
import { stabilityIndex } from './stability-index.ts';

/** One result to come, and what must be measured for it. */
export interface PlannedCheck {
  readonly check: Check;
  readonly column: string | undefined;
  readonly measure: Measure;
}

/** What must be measured for checks: a check of several columns that are looked at one by one has a result for each. */
export function plannedChecks(checks: readonly Check[]): readonly PlannedCheck[] {
  return checks.flatMap((check): readonly PlannedCheck[] => {
    switch (check.type) {
      case 'notNull':
        return check.columns.map((column) => ({ check, column, measure: { type: 'nulls', column } }));
      case 'unique':
        return [{ check, column: check.columns.join(', '), measure: { type: 'repeated', columns: check.columns } }];
      case 'rowCount':
        return [{ check, column: undefined, measure: { type: 'rows' } }];
      default:
        return [{ check, column: check.column, measure: measureOf(check) }];
    }
  });
}

function measureOf(check: Exclude<Check, { type: 'notNull' | 'unique' | 'rowCount' }>): Measure {
  const { column } = check;
  switch (check.type) {
    case 'min':
      return { type: 'below', column, bound: check.value };
    case 'max':
      return { type: 'above', column, bound: check.value };
    case 'accepted':
      return { type: 'outside', column, values: check.values };
    case 'nullFraction':
      return { type: 'nulls', column };
    case 'mean':
      return { type: 'mean', column };
    case 'distinct':
      return { type: 'distinct', column };
    case 'psi':
      return { type: 'spread', column };
    default:
      return assertNever(check);
  }
}

/** Rows of the run that bounds are held against. */
export interface CheckedRows {
  /** Rows that were read and not filtered. */
  readonly input: number;
  /** Rows of the parts. */
  readonly output: number;
}

/** What a measurement means for its check. */
export function checkResult({ check, column }: PlannedCheck, measured: Measurement, rows: CheckedRows): CheckResult {
  const named = { name: check.type, ...(column === undefined ? {} : { column }), severity: check.severity };
  return { ...named, ...outcomeOf(check, measured, rows) };
}

type Outcome = Omit<CheckResult, 'name' | 'column' | 'severity'>;

function outcomeOf(check: Check, measured: Measurement, rows: CheckedRows): Outcome {
  const { count, value } = measured;
  switch (check.type) {
    case 'notNull':
    case 'unique':
      return counted(measured, 0);
    case 'accepted':
      return counted(measured, check.values.map(String).join(', '));
    case 'min':
    case 'max':
      return { passed: count === 0, ...shown(value), bound: check.value, ...(count === 0 ? {} : faults(measured)) };
    case 'rowCount': {
      const equals = check.equals === 'input' ? rows.input : check.equals;
      const isEqual = equals === undefined || count === equals;
      const bounds = boundsText(check);
      const bound = equals !== undefined && bounds.length === 0 ? equals : [equals ?? [], bounds].flat().join(' and ');
      return { passed: isEqual && isWithin(count, check), value: count, bound };
    }
    case 'mean':
      return within(value, check);
    case 'distinct':
      return within(count, check);
    case 'nullFraction': {
      const fraction = rows.output === 0 ? 0 : count / rows.output;
      return {
        passed: fraction <= check.max,
        value: fraction,
        bound: check.max,
        ...(count === 0 ? {} : { rows: count }),
      };
    }
    case 'psi': {
      const { bins } = measured;
      const bound = check.max;
      if (bins === undefined) return { passed: true, bound, note: 'nothing is published to compare with' };
      const index = stabilityIndex(bins.reference, bins.table);
      return { passed: index !== undefined && index <= bound, ...shown(index), bound };
    }
    default:
      return assertNever(check);
  }
}

interface Bounds {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

function within(value: number | undefined, bounds: Bounds): Outcome {
  const passed = value !== undefined && isWithin(value, bounds);
  return { passed, ...shown(value), bound: boundsText(bounds).join(' and ') };
}

/** NaN is within no bounds. */
function isWithin(value: number, { min, max }: Bounds): boolean {
  return !Number.isNaN(value) && (min === undefined || value >= min) && (max === undefined || value <= max);
}

function boundsText({ min, max }: Bounds): readonly string[] {
  return [...(min === undefined ? [] : [`at least ${min}`]), ...(max === undefined ? [] : [`at most ${max}`])];
}

function counted(measured: Measurement, bound: number | string): Outcome {
  const { count } = measured;
  return { passed: count === 0, value: count, bound, ...(count === 0 ? {} : faults(measured)) };
}

function faults({ count, example }: Measurement): Pick<Outcome, 'rows' | 'example'> {
  if (example === undefined) return { rows: count };
  const key = Object.entries(example.key).map(([name, text]) => `${name} ${text}`);
  const value = example.value === undefined ? [] : [key.length === 0 ? example.value : `with ${example.value}`];
  const text = [key.join(', '), ...value].filter((part) => part !== '').join(' ');
  return { rows: count, ...(text === '' ? {} : { example: text }) };
}

function shown(value: number | undefined): Pick<Outcome, 'value'> {
  if (value === undefined) return {};
  return { value: Number.isFinite(value) ? value : String(value) };
}
