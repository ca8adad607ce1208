import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorTable } from '../../src/core/errors.ts';
import { type BadInput, damagedParquet, damagedText, type MakeCases, oddPlaces, oddTables } from './bad-input-cases.ts';
import { type Event, eventsIn, type Job, nightshift, temporaryFolder, writeSpec } from './nightshift.ts';

/** The spec's jobs, each with an output of its own. */
function jobsOf(cases: readonly BadInput[]): Readonly<Record<string, Job>> {
  return Object.fromEntries(
    cases.map(({ job }, index) => {
      const { output } = job;
      const own = typeof output === 'object' ? { ...output, path: `out-${index}` } : output;
      return [`case-${index}`, { ...job, output: own, execution: { workersPerDevice: 1, shardRows: 1_000_000 } }];
    }),
  );
}

const endings: Readonly<Record<string, string>> = { 'run-published': 'published' };

function endOf(events: readonly Event[], job: string): string {
  const last = events.findLast((event) => event['job'] === job);
  if (last === undefined) return 'nothing was said';
  return last.type === 'error' ? String(last['code']) : (endings[last.type] ?? last.type);
}

/** Runs all cases in one process, so that one which takes it down is missed by all that come after. */
async function runCases(makeCases: MakeCases) {
  await using folder = await temporaryFolder();
  const cases = await makeCases(folder.path);
  await writeSpec(folder.path, jobsOf(cases));
  const finished = await nightshift(['run', '--json', '--keep-going'], { cwd: folder.path });
  const events = eventsIn(finished);
  const found = cases.map(({ name }, index) => ({ name, ended: endOf(events, `case-${index}`) }));
  return { cases, found, finished, events };
}

describe('input that is damaged or odd ends each job with a code of the table, or is scored', () => {
  it.concurrent.each<{ what: string; makeCases: MakeCases; atLeast: number }>([
    { what: 'damaged Parquet', makeCases: damagedParquet, atLeast: 30 },
    { what: 'odd places and models', makeCases: oddPlaces, atLeast: 20 },
    { what: 'odd tables', makeCases: oddTables, atLeast: 20 },
    { what: 'damaged text and Arrow', makeCases: damagedText, atLeast: 30 },
  ])('$what', async ({ makeCases, atLeast }) => {
    const { cases, found, finished, events } = await runCases(makeCases);
    const wrong = found.filter(({ ended }, index) => cases[index]?.ends.includes(ended) !== true);
    expect(wrong).toEqual([]);
    expect(cases.length).toBeGreaterThanOrEqual(atLeast);
    const codes = events.flatMap((event) => (event.type === 'error' ? [event['exitCode']] : []));
    expect(finished.exitCode).toBe(codes[0] ?? 0);
    expect(finished.stderr).not.toMatch(/^ {4}at /m);
  });
});

describe('a spec that is damaged or odd', () => {
  const aliases = Array.from({ length: 12 }, (_, index) => {
    const name = index === 0 ? '"x"' : `*a${index - 1}`;
    return `a${index}: &a${index} [${Array.from({ length: 12 }, () => name).join(', ')}]`;
  }).join('\n');
  const job = 'model: m.onnx\n    input: in.parquet\n    output: out';
  const texts: readonly (readonly [string, string])[] = [
    ['aliases of aliases', `${aliases}\nversion: 1\njobs: *a11\n`],
    ['an alias of itself', 'version: 1\njobs: &a\n  x: *a\n'],
    ['deep lists', `version: 1\njobs: ${'['.repeat(20_000)}${']'.repeat(20_000)}\n`],
    ['deep maps', `version: 1\njobs: ${'{a: '.repeat(5_000)}1${'}'.repeat(5_000)}\n`],
    ['a job called like a path', `version: 1\njobs:\n  ../evil:\n    ${job}\n`],
    ['a job called __proto__', `version: 1\njobs:\n  __proto__:\n    ${job}\n`],
    ['a NUL byte', `version: 1\njobs:\n  x\0:\n    ${job}\n`],
    ['tabs', `version: 1\njobs:\n\tx:\n\t\tmodel: m\n`],
    ['the same job twice', `version: 1\njobs:\n  x:\n    ${job}\n  x:\n    ${job}\n`],
    ['two megabytes', `version: 1\n# ${'x'.repeat(2_000_000)}\n`],
    ['a tag', 'version: 1\njobs: !!js/function "() => 1"\n'],
    ['nothing', ''],
    ['a number', '42'],
    ['two documents', 'version: 1\n---\nversion: 1\n'],
    ['a path with a NUL byte', `version: 1\njobs:\n  x:\n    model: "m\\0.onnx"\n    input: a.csv\n    output: out\n`],
  ];

  it.each(texts)('is refused: %s', async (_what, text) => {
    const { parseSpec } = await import('../../src/spec/load-spec.ts');
    const parse = () => parseSpec({ text, path: join('/', 'jobs.yaml'), env: {} });
    expect(parse).toThrow(
      expect.objectContaining({ code: 'SPEC_INVALID', exitCode: errorTable.SPEC_INVALID.exitCode }),
    );
  });
});
