import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fillTemplates } from '../../src/spec/fill-templates.ts';
import { filledPredicate, misplacedTemplate } from '../../src/spec/predicate-template.ts';
import type { Pieces, Template } from '../../src/spec/template.ts';
import { parseJob, refusal, withJob } from './parse-jobs.ts';

const job: Template = { name: 'job', source: '${job}' };

let instance: DuckDBInstance;
let connection: DuckDBConnection;
beforeAll(async () => {
  instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  connection = await instance.connect();
});
afterAll(() => {
  connection.closeSync();
  instance.closeSync();
});

/** Text with `@` for a template. */
function pieces(text: string): Pieces {
  return text.split(/(@)/).map((piece) => (piece === '@' ? job : piece));
}

function refused(text: string): string | undefined {
  return misplacedTemplate(pieces(text))?.text.replace('${job}: ', '');
}

async function value(sql: string): Promise<unknown> {
  return (await connection.runAndReadAll(sql)).getRowsJS()[0]?.[0];
}

/** What DuckDB's parser makes of a condition, without its constants and where they stand; undefined when it cannot. */
async function structure(where: string): Promise<unknown> {
  const quoted = `SELECT coalesce(${where}\n, true)`.replaceAll("'", "''");
  const tree: unknown = JSON.parse(String(await value(`SELECT json_serialize_sql('${quoted}')::VARCHAR`)));
  if (typeof tree === 'object' && tree !== null && 'error' in tree && tree.error === true) return undefined;
  return masked(tree);
}

function masked(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(masked);
  if (typeof tree !== 'object' || tree === null) return tree;
  if ('class' in tree && tree.class === 'CONSTANT') return 'constant';
  return Object.fromEntries(
    Object.entries(tree).flatMap(([key, inner]) => (key === 'query_location' ? [] : [[key, masked(inner)]])),
  );
}

describe('a template in a condition', () => {
  it.each([
    ['day = @', "day = 'it''s'"],
    ["day = 'a @ b'", "day = 'a it''s b'"],
    ["name = 'it''s @'", "name = 'it''s it''s'"],
    ['day = DATE @ -- @\n'.replace(' -- @', ''), "day = DATE 'it''s'\n"],
    ['day IN (@,@)', "day IN ('it''s','it''s')"],
    ['"a ""b" = @', '"a ""b" = \'it\'\'s\''],
    ["e'\\'' = @", "e'\\'' = 'it''s'"],
    ["$$ ' $$ = @", "$$ ' $$ = 'it''s'"],
    ["$a$ $$ ' $b$ $a$ = @", "$a$ $$ ' $b$ $a$ = 'it''s'"],
    ["/* ' /* */ */ x = @", "/* ' /* */ */ x = 'it''s'"],
    ["x -- '\n = @", "x -- '\n = 'it''s'"],
    ['a$b$ = @', "a$b$ = 'it''s'"],
    ["namE'@'", "namE'it''s'"],
    ['größe = @', "größe = 'it''s'"],
  ])('%s is bound as a value: %s', (template, filled) => {
    expect(refused(template)).toBeUndefined();
    expect(filledPredicate(pieces(template), () => "it's")).toBe(filled);
  });

  it.each([
    ['"@" = 1', 'is within a "name"'],
    ['x = 1 -- @', 'is within a comment'],
    ['x /* @ */ = 1', 'is within a comment'],
    ['x = 1 /* /* */ @ */', 'is within a comment'],
    ['x = $$@$$', 'is within $$…$$'],
    ['x = $a$ $$ @ $a$', 'is within $a$…$a$'],
    ["x = E'@'", "is within E'…'"],
    ["x = e'\\' @'", "is within e'…'"],
    ['x\u00A0= @', 'is after an unusual character outside of quotes'],
    ["x = X'0@'", "is within X'…'"],
    ["x = b'0@'", "is within b'…'"],
    ["x = u&'0@'", "is within u&'…'"],
    ["x = 'a'@", 'touches a name or another value'],
    ["x = @'a'", 'touches a name or another value'],
    ['x = @@', 'touches a name or another value'],
    ['x = E@', 'touches a name or another value'],
    ['x = U&@', 'touches a name or another value'],
    ['x = @x', 'touches a name or another value'],
    ['x = "a"@', 'touches a name or another value'],
  ])('%s is refused: %s', (template, text) => {
    expect(refused(template)).toBe(text);
  });

  it('is told of at its place when the spec is loaded', () => {
    const spec = withJob('model: m', 'input: { path: i, where: "x = 1 -- ${date}" }', 'output: o');
    expect(refusal(spec)).toMatchObject({
      message: 'jobs.yaml:5:23 jobs.a.input.where: ${date}: is within a comment',
      hint: "put it outside of quotes, where it becomes a text literal, or between '…'",
    });
  });

  it('is filled beside the values of variables, which may open quotes', () => {
    const spec = withJob(
      'model: m',
      `input: { path: i, where: "x = \${QUOTE}\${job}' AND y = \${date}" }`,
      'output: o',
    );
    const filled = fillTemplates(parseJob(spec, { env: { QUOTE: "'" } }), { logicalDate: 0, zone: 'UTC', runId: 'r' });
    expect(filled.input.where).toBe("x = 'a' AND y = '1970-01-01'");
  });

  it.each([
    ["DATE '2026-11-23'", true],
    ["TIMESTAMP '2026-11-23 00:00:00'", true],
    ["TIMESTAMPTZ '2026-11-23 00:00:00+00'", true],
    ["'2026-11-23'", true],
    ["DATE '2026-11-22'", false],
    ["'2026-11-22'", false],
  ])('compares a date with %s: %s', async (column, isEqual) => {
    await connection.run("SET TimeZone = 'UTC'");
    const where = filledPredicate(pieces('day = @'), () => '2026-11-23');
    expect(await value(`SELECT ${where} FROM (SELECT ${column} AS day)`)).toBe(isEqual);
  });

  const hostile = ["'", "''", "' OR true OR '", "\\'", '\\', '--', '/*', '*/', '$$', '"', ';', '\n', '@', ' '];

  it('reads back as the value, whatever it is', async () => {
    for (const text of hostile) {
      for (const template of ['@', "'@'", "'a''@'"]) {
        const read = await value(`SELECT ${filledPredicate(pieces(template), () => text)}`);
        expect(read).toBe(template === "'a''@'" ? `a'${text}` : text);
      }
    }
  });

  it('never changes what the condition is, whatever the value is', async () => {
    const fragment = fc.constantFrom(
      ...[
        "'",
        '"',
        '--',
        '/*',
        '*/',
        '$$',
        '$a$',
        '$',
        "E'",
        "X'",
        "b'",
        "n'",
        "U&'",
        'U&',
        '\\',
        '\n',
        ' ',
        ' ',
        'x',
        ' = ',
        '(',
        ')',
        ' OR ',
        '@',
        '@',
        " '@' ",
      ],
      ...['x = @', "x = '@'", ';', '1', 'é', ',', "''", '::', '.', '\r', '\u00A0'],
    );
    let filledCount = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fragment, { minLength: 1, maxLength: 9 }),
        fc.array(fc.constantFrom(...hostile), { maxLength: 4 }),
        async (fragments, values) => {
          const template = fragments.join('');
          if (!template.includes('@') || refused(template) !== undefined) return;
          const usual = await structure(filledPredicate(pieces(template), () => 'v'));
          if (usual !== undefined) filledCount += 1;
          expect(await structure(filledPredicate(pieces(template), () => values.join('')))).toEqual(usual);
        },
      ),
      { numRuns: 3000 },
    );
    expect(filledCount).toBeGreaterThan(50);
  });
});
