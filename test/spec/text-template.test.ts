import { expect, it } from 'vitest';
import { parseTextTemplate } from '../../src/spec/text-template.ts';

it.each([
  ['query: {a}', ['query: ', { column: 'a' }], ['a']],
  ['{a}{b} {a}', [{ column: 'a' }, { column: 'b' }, ' ', { column: 'a' }], ['a', 'b']],
  ['{{{ größe }}}', ['{', { column: 'größe' }, '}'], ['größe']],
])('%s is made of words and columns', (template, pieces, columns) => {
  expect(parseTextTemplate(template)).toEqual({ pieces, columns });
});

it.each([
  ['no column', 'names no column'],
  ['{{a}}', 'names no column'],
  ['a {b', 'character 3 opens a placeholder that does not end'],
  ['a {}', 'character 3 opens a placeholder that does not end'],
  ['a } b', 'character 3 ends a placeholder that was not opened'],
])('%s is refused', (template, problem) => {
  expect(parseTextTemplate(template)).toEqual({ problem });
});
