import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { parseLogicalDate } from '../../src/core/zoned-date.ts';
import { fillTemplates, usesTemplates, zoneOf } from '../../src/spec/fill-templates.ts';
import type { JobSpec } from '../../src/spec/job-spec.ts';
import { parseJob, refusal, type Surroundings, withJob, withMinimalJob } from './parse-jobs.ts';

const zone = 'Europe/Paris';
const filling = {
  logicalDate: parseLogicalDate('2026-11-23T02:30', zone, 0),
  zone,
  runId: '20261123T013000Z-1f9c2a',
};

function output(path: string, surroundings?: Surroundings): JobSpec {
  return parseJob(withJob('model: m', 'input: i', `output: ${JSON.stringify(path)}`), surroundings);
}

function filledOutput(path: string, by = filling): string {
  return fillTemplates(output(path), by).output.path;
}

describe('a template in a path', () => {
  it.each([
    ['out/${date}', 'out/2026-11-23'],
    ['out/${date:%Y/%m/%d}/${date:%H%M%S}', 'out/2026/11/23/023000'],
    ['out/${date-1d}', 'out/2026-11-22'],
    ['out/${date-1d:%Y%m%d}', 'out/20261122'],
    ['out/${date+2h:%H}', 'out/04'],
    ['out/${date-3h}', 'out/2026-11-22'],
    ['out/${date-1mo-1d}', 'out/2026-10-22'],
    ['out/${date-2w+1y}', 'out/2027-11-09'],
    ['out/${date:%G-W%V}', 'out/2026-W48'],
    ['out/${date:%z:%s}', 'out/+0100:1795397400'],
    ['out/${job}/${run.id}', 'out/a/20261123T013000Z-1f9c2a'],
    ['out/$${date}/${date}', 'out/${date}/2026-11-23'],
    ['out/$date', 'out/$date'],
  ])('%s becomes %s', (template, path) => {
    expect(filledOutput(template)).toBe(path);
  });

  it('keeps the local time of a day before the clock changed', () => {
    const by = { ...filling, logicalDate: parseLogicalDate('2026-03-29T12:00', zone, 0) };
    expect(filledOutput('${date-1d:%d-%H%M} ${date-24h:%d-%H%M}', by)).toBe('28-1200 28-1100');
  });

  it('is filled in each place, in lists too, and nothing else is changed', () => {
    const job = parseJob(
      withJob(
        'model: "models/${date:%Y}.onnx"',
        'input: { path: ["in/${date-1d}/*", in/fixed, "in/${job}"], where: "day = ${date} AND x > 1" }',
        'output: "out/${run.id}"',
      ),
    );
    const filled = fillTemplates(job, filling);
    expect(filled.model.path).toBe('models/2026.onnx');
    expect(filled.input.paths).toEqual(['in/2026-11-22/*', 'in/fixed', 'in/a']);
    expect(filled.input.where).toBe("day = '2026-11-23' AND x > 1");
    expect(filled.output.path).toBe('out/20261123T013000Z-1f9c2a');
    const { templates: _templates, ...rest } = job;
    expect({
      ...filled,
      model: job.model,
      input: job.input,
      output: job.output,
    }).toEqual(rest);
    expect(fillTemplates(filled, { ...filling, logicalDate: 0 })).toEqual(filled);
  });

  it('is filled in the tokenizers of texts, whatever these are called', () => {
    const job = parseJob(
      withJob(
        'model: m.onnx',
        'input: in',
        'features: { t: { column: a, tokenizer: "models/${date:%Y}/t.json" }, "a.b": { column: b, tokenizer: "${job}.json" }, n: x }',
        'output: out',
      ),
    );
    const { features } = fillTemplates(job, filling);
    expect(features?.['t']).toMatchObject({ tokenizer: 'models/2026/t.json', columns: ['a'] });
    expect(features?.['a.b']).toMatchObject({ tokenizer: 'a.json' });
    expect(features?.['n']).toEqual(job.features?.['n']);
  });

  it('comes from the layer whose value won', () => {
    const text = `version: 1
defaults: { output: { path: "o/\${date}" }, input: { path: ["\${date}", b, c] } }
jobs:
  a: { model: m, input: "i/\${job}" }
`;
    const job = fillTemplates(parseJob(text), filling);
    expect(job).toMatchObject({ input: { paths: ['i/a'] }, output: { path: 'o/2026-11-23' } });
    const plain = parseJob(text, { overrides: ['output.path=plain', 'input.path=[x]'] });
    expect(plain.templates).toBeUndefined();
    const set = parseJob(text, { overrides: ['output.path=s/${date:%Y}'] });
    expect(fillTemplates(set, filling).output.path).toBe('s/2026');
  });

  it('is not made by the value of a variable, nor unmade', () => {
    const env = { TRAP: '${date}', DOLLAR: '$', LITERAL: '$${date}' };
    const path = 'out/${TRAP}/${DOLLAR}{date}/${DOLLAR}${date}/${LITERAL}/${NONE:-x}';
    expect(fillTemplates(output(path, { env }), filling).output.path).toBe(
      'out/${date}/${date}/$2026-11-23/$${date}/x',
    );
  });

  it('does not lead out of its folder', () => {
    expect(() => filledOutput('out/${run.id}', { ...filling, runId: '../../etc' })).toThrow(
      expect.objectContaining({ code: 'USAGE', message: '"../../etc" is not the id of a run' }),
    );
    const depth = (path: string) => path.split('/').length;
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('%Y', '%H', '%b', '.', '/', '-', '*', ' ') }), (format) => {
        let filled: string;
        try {
          filled = filledOutput(`out/a\${date:${format}}b`);
        } catch (error) {
          if (error instanceof AppError) return;
          throw error;
        }
        expect(filled.split('/').filter((folder) => /^\.*$/.test(folder))).toEqual([]);
        expect(depth(filled)).toBe(depth(`out/${format}`));
      }),
    );
  });

  it('beyond the years of four digits is refused', () => {
    expect(() => filledOutput('${date-9999y}')).toThrow(
      expect.objectContaining({ code: 'USAGE', message: '${date-9999y}: is not in the years 1 to 9999' }),
    );
  });
});

describe('a template that is wrong', () => {
  it.each([
    ['${date-1x}', 'is not a date template', 'write steps in h, d, w, mo or y, and then a format: ${date-1d:%Y/%m/%d}'],
    ['${date - 1d}', 'is not a date template', expect.anything()],
    ['${date-12345d}', 'is not a date template', expect.anything()],
    ['${date:%Q}', '%Q is not known', expect.stringMatching(/^the known ones are %Y %y %m .* %%$/)],
    ['${date:%Y%}', '% is not known', expect.anything()],
    ['${date:yyyy}', 'its format has no % in it', 'write for example ${date-1d:%Y/%m/%d}'],
    ['${date:}', 'its format has no % in it', expect.anything()],
    ['${date:-%Y}', 'a date has no default', expect.anything()],
    ['${date:/%Y}', 'its format has an empty, . or .. folder in it', expect.anything()],
    ['${date:%Y/../%m}', 'its format has an empty, . or .. folder in it', expect.anything()],
    ['${job:-x}', 'nothing may follow the name', 'write ${job}'],
    ['${run.id-1d}', 'nothing may follow the name', 'write ${run.id}'],
  ])('%s is told of at its place when the spec is loaded', (template, text, hint) => {
    const spec = withJob('model: m', `input: [i, ${JSON.stringify(`in/${template}`)}]`, 'output: o');
    expect(refusal(spec)).toMatchObject({
      code: 'SPEC_INVALID',
      message: `jobs.yaml:5:16 jobs.a.input.path[1]: ${template}: ${text}`,
      hint,
    });
  });

  it.each(['description: x ${date}', 'output: { path: o, keep: ["${job}"] }', 'execution: { batchSize: "${run.id}" }'])(
    'stands where none is filled: %s',
    (line) => {
      const spec = line.startsWith('output') ? withJob('model: m', 'input: i', line) : withMinimalJob(line);
      const problem = refusal(spec);
      expect(problem.message).toMatch(/^jobs\.yaml:\d+:\d+ jobs\.a\.[\w.]+(\[0\])?: \$\{[\w.]+\} is not filled here$/);
      expect(problem.hint).toMatch(/^date, run\.id and job are filled in input\.path, input\.where, output\.path/);
    },
  );

  it('on the command line is told of by its option', () => {
    expect(refusal(withMinimalJob(), { overrides: ['output.path=o/${date:%Q}'] }).message).toBe(
      '--set output.path: ${date:%Q}: %Q is not known',
    );
  });
});

describe('a job', () => {
  it('tells whether it has templates, and which', () => {
    expect(usesTemplates(output('o'))).toBe(false);
    expect(usesTemplates(output('o/$${date}'))).toBe(false);
    expect(usesTemplates(output('o/${job}'))).toBe(true);
    expect(usesTemplates(output('o/${job}'), 'date')).toBe(false);
    expect(usesTemplates(output('o/${date}/${run.id}'), 'run.id')).toBe(true);
  });

  it('without templates is filled as it is', () => {
    const job = output('o');
    expect(fillTemplates(job, filling)).toBe(job);
  });

  it('has the zone of its schedule', () => {
    const scheduled = withMinimalJob('schedule: { cron: "0 2 * * *", timeZone: Asia/Kolkata }');
    expect(zoneOf(parseJob(scheduled))).toBe('Asia/Kolkata');
    expect(zoneOf(output('o'))).toBe(new Intl.DateTimeFormat().resolvedOptions().timeZone);
  });
});
