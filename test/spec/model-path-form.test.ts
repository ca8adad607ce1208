import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fillTemplates } from '../../src/spec/fill-templates.ts';
import { modelPathForm } from '../../src/spec/model-path-form.ts';
import { parseJob, withJob } from './parse-jobs.ts';

function jobOf(model: string) {
  return parseJob(withJob(`model: ${JSON.stringify(model)}`, 'input: i', 'output: o'));
}

const templates = [
  'm.onnx',
  '../models/./${date}.onnx',
  '${date:%Y/%m/%d}/m+(1).onnx',
  'v-${date-1mo:%G-W%V}/${job}.onnx',
  '${date:%b %B %a %A %z %s %%}',
  '$${date}/${run.id}-${date:%H%M%S}',
];

describe('the form of the paths of a job with templates', () => {
  it('is that of each path that they are filled to', () => {
    const instant = fc.integer({ min: Date.UTC(1900, 0), max: Date.UTC(2100, 0) });
    const zones = fc.constantFrom('UTC', 'Europe/Paris', 'America/St_Johns');
    fc.assert(
      fc.property(fc.constantFrom(...templates), instant, zones, (model, logicalDate, zone) => {
        const job = jobOf(model);
        const { path } = fillTemplates(job, { logicalDate, zone, runId: '20261123T013000Z-1f9c2a' }).model;
        expect(resolve('/specs', path)).toMatch(modelPathForm(job));
      }),
    );
  });

  it.each([
    ['m.onnx', '/specs/mxonnx'],
    ['m.onnx', '/elsewhere/m.onnx'],
    ['m.onnx', '/specs/m.onnx/m.onnx'],
    ['${date}.onnx', '/specs/other.onnx'],
    ['${date}.onnx', '/specs/2026-11-20/a.onnx'],
    ['${date:%Y}/m.onnx', '/specs/2026/11/m.onnx'],
    ['${job}.onnx', '/specs/b.onnx'],
    ['${run.id}.onnx', '/specs/a/b.onnx'],
  ])('is not, for %s, that of %s', (model, path) => {
    expect(modelPathForm(jobOf(model)).test(path)).toBe(false);
  });
});
