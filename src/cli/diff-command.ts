import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Comparison } from '../dataset/contract.ts';
import { diffOutputs, isSame } from '../run/diff-outputs.ts';
import { runAction } from './action.ts';
import { aligned, cellText, countText, pluralText } from './aligned.ts';
import type { Paint } from './colour.ts';
import { withHelp } from './help-text.ts';

interface DiffFlags {
  readonly key: readonly string[];
  readonly columns?: readonly string[];
  readonly tolerance: number;
  readonly json?: boolean;
}

export function addDiffCommand(program: Command): void {
  const command = program
    .command('diff')
    .description('show which predictions changed between two outputs, and by how much')
    .argument('<a>', 'a published output, or any files, glob or folder')
    .argument('<b>', 'what to compare it with')
    .addOption(
      new Option('--key <columns>', 'column that names a row; several with commas')
        .argParser(names)
        .makeOptionMandatory(),
    )
    .addOption(new Option('--columns <columns>', 'compare these columns only').argParser(names))
    .addOption(
      new Option('--tolerance <number>', 'numbers this close are the same').argParser(tolerance).default(1e-6, '1e-6'),
    )
    .addOption(new Option('--json', 'print one JSON document'))
    .action((a: string, b: string, flags: DiffFlags) =>
      runAction(flags, async (io) => {
        const { newPorts } = await import('./context.ts');
        const comparison = await diffOutputs(newPorts(), {
          a,
          b,
          baseDir: process.cwd(),
          keys: flags.key,
          columns: flags.columns,
          tolerance: flags.tolerance,
        });
        io.out(
          flags.json === true
            ? `${JSON.stringify({ v: 1, same: isSame(comparison), ...comparison }, undefined, 2)}\n`
            : comparisonText(comparison, io.paintOut),
        );
        return isSame(comparison) ? 0 : 3;
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift diff out/today out/yesterday --key flight_id', 'exit 0 when they are the same, 3 when not'],
      ['nightshift diff a.parquet b.csv --key day,store --tolerance 0.01', 'any tables, by two columns'],
    ],
  });
}

function comparisonText(comparison: Comparison, paint: Paint): string {
  const { rowsInBoth, rowsOnlyInA, rowsOnlyInB, columnsOnlyInA, columnsOnlyInB, columns, worst } = comparison;
  const title = isSame(comparison) ? paint('green', 'the same') : paint('red', 'different');
  const lines = [
    `${title}: ${pluralText(rowsInBoth, 'row')} in both, ${countText(rowsOnlyInA)} only in A, ${countText(rowsOnlyInB)} only in B\n`,
  ];
  for (const [side, names] of [
    ['A', columnsOnlyInA],
    ['B', columnsOnlyInB],
  ] as const) {
    if (names.length > 0) lines.push(`columns only in ${side}: ${names.join(', ')}\n`);
  }
  if (columns.length > 0) lines.push(`\n${columnsText(columns)}`);
  if (worst.length > 0) {
    const cells = worst.map(({ key, column, a, b, difference }) => [
      Object.entries(key)
        .map(([name, value]) => `${name} ${value}`)
        .join(', '),
      cellText(column, 30),
      cellText(a, 30),
      cellText(b, 30),
      numberText(difference),
    ]);
    lines.push(
      `\nthe ${worst.length} that differ most\n${aligned([['key', 'column', 'A', 'B', 'difference'], ...cells], { indent: 2 })}`,
    );
  }
  return lines.join('');
}

function columnsText(columns: Comparison['columns']): string {
  const hasUnsized = columns.some(({ nanRows, nullRows }) => nanRows + nullRows > 0);
  const unsized = (texts: readonly string[]) => (hasUnsized ? texts : []);
  const header = ['column', 'type', 'changed rows', ...unsized(['NaN in one', 'null in one'])];
  const rows = columns.map(({ name, type, changedRows, nanRows, nullRows, maxDifference, meanDifference }) => [
    cellText(name, 40),
    cellText(type, 30),
    countText(changedRows),
    ...unsized([countText(nanRows), countText(nullRows)]),
    numberText(maxDifference),
    numberText(meanDifference),
  ]);
  return aligned([[...header, 'max difference', 'mean difference'], ...rows], { indent: 2 });
}

function numberText(value: number | undefined): string {
  if (value === undefined) return '–';
  return Number.isInteger(value) ? countText(value) : value.toPrecision(3);
}

function names(text: string): readonly string[] {
  const list = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (list.length === 0) throw new InvalidArgumentError('name at least one column.');
  return list;
}

function tolerance(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('give a number that is not negative.');
  return value;
}
