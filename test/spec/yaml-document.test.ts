import { describe, expect, it } from 'vitest';
import { readYaml } from '../../src/spec/yaml-document.ts';
import { refusal } from './parse-jobs.ts';

const job = '{ model: m, input: i, output: o }';

/** Texts that are no YAML, or more YAML than a spec may use. */
const syntax: readonly (readonly [text: string, message: string, hint: string])[] = [
  ['a: 1\n"b c": 1\n"b c": 2', '3:1 the key "b c" is there twice', 'remove or rename one of the two'],
  [
    'a: 1\n---\nb: 2',
    '2:1 a second document begins here',
    'remove the --- line: one file is one spec, with all its jobs under jobs',
  ],
  ['a:\n\tb: 1', '2:1 a tab is used as indentation', 'indent with spaces'],
  ['where: a: b', '1:8 a map begins in the middle of a line', 'put a text that contains ": " in quotes'],
  ['keep: [a', '1:9 a ] is missing', 'close what was opened, and indent the closing character more than the key'],
  ['a: {b: 1', '1:9 a } is missing', 'close what was opened, and indent the closing character more than the key'],
  ['a: "x', '1:6 a " is missing', 'close what was opened, and indent the closing character more than the key'],
  [
    'a:\n  - b\n c: d',
    '3:1 all mapping items must start at the same column',
    'this is a YAML error: look at quotes, brackets and indentation here and one line above',
  ],
  ['a: @x', '1:4 plain value cannot start with reserved character @', 'put the text in quotes'],
  ['keep: *', '1:7 an alias has no name', 'put a text that begins with * in quotes, e.g. keep: "*"'],
  ...['*/5 * * * *', '* * * * *', '*/5 0-3 * * MON'].flatMap((cron): [string, string, string][] => [
    [`cron: ${cron}`, '1:7 a text that begins with * stands without quotes', `quote it: "${cron}"`],
    [`a: { cron: ${cron}, b: 1 } # x`, '1:12 a text that begins with * stands without quotes', `quote it: "${cron}"`],
  ]),
  [
    'path: *.csv',
    '1:7 the alias *.csv has no anchor before it',
    'define it earlier in the file with &.csv, or put a text that begins with * in quotes',
  ],
  [
    'a: &a { b: *a }',
    '1:12 the alias *a is inside its own anchor',
    'an alias stands for something that is complete before it',
  ],
  ['a: !!binary x', '1:4 tags are not used in a spec', 'remove the tag, or put a text that begins with ! in quotes'],
  ['? [a]\n: 1', '1:3 a key is a map or a list', 'put the key in quotes if it begins with [ or {'],
  ['['.repeat(100_000), '1:1 is nested more than 200 levels deep', 'a job needs five levels'],
  ['- '.repeat(100_000), '1:1 is nested more than 200 levels deep', 'a job needs five levels'],
  [manyAliases(20), '1:1 its aliases expand to too much', 'write the repeated part out, or put it under defaults'],
];

function manyAliases(levels: number): string {
  const lines = Array.from({ length: levels }, (_, i) => `k${i + 1}: &k${i + 1} [*k${i}, *k${i}]`);
  return ['k0: &k0 [x, x]', ...lines].join('\n');
}

describe('a text that is no YAML for a spec is refused where it goes wrong', () => {
  it.each(syntax.map(([text, message, hint]) => ({ text, shown: text.slice(0, 40), message, hint })))(
    '$shown',
    ({ text, message, hint }) => {
      expect(refusal(text)).toMatchObject({ code: 'SPEC_INVALID', message: `jobs.yaml:${message}`, hint });
    },
  );

  it('counts columns the same after a byte order mark and with Windows line ends', () => {
    expect(refusal(`\uFEFFvresion: 1\r\njobs: { a: ${job} }\r\n`).message).toBe('jobs.yaml:1:1 unknown key "vresion"');
    expect(refusal(`version: 1\r\njobs: { a: ${job} }\r\nx: 1\r\n`).message).toBe('jobs.yaml:3:1 unknown key "x"');
  });

  it('is refused before it is parsed when it is too large', () => {
    expect(refusal('x'.repeat(1_000_001))).toMatchObject({ message: 'jobs.yaml: is larger than 1000000 bytes' });
  });
});

describe('a place in a text is located', () => {
  it.each([
    ['a plain one', 'a: max(xyz)', 8],
    ['one in double quotes', 'a: "max(xyz)"', 9],
    ['one in single quotes', "a: 'max(xyz)'", 9],
    ['a flow map', '{ a: max(xyz) }', 10],
    ['an alias', 'b: &b max(xyz)\na: *b', 11],
    ['an escape', 'a: "max(\\x78yz)"', 1],
    ['a folded one', 'a: >-\n  max(xyz)', 1],
    ['an anchor before it', 'a: &x max(xyz)', 11],
  ])('in %s, or by its key where the file has it otherwise', (_what, text, column) => {
    const location = readYaml({ text, file: 'f' }).locate(['a'], { text: 'max(xyz)', position: 4 });
    expect(location).toMatchObject({ file: 'f', column });
  });

  it('by its key where the text is another one by now', () => {
    const document = readYaml({ text: 'a: max(${N})', file: 'f' });
    expect(document.locate(['a'], { text: 'max(xyz)', position: 4 })).toMatchObject({ column: 1 });
    expect(document.locate(['a', 'b'], { text: 'max(xyz)', position: 4 })).toMatchObject({ column: 1 });
  });
});
