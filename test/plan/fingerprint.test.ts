import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, changedFields, fingerprintOf } from '../../src/plan/fingerprint.ts';
import { planRun, runIdentity } from '../../src/plan/plan-run.ts';
import { fileOf, planInput } from './plan-input.ts';

describe('fingerprintOf', () => {
  it('is the same whatever the order of keys, at any depth', () => {
    expect(fingerprintOf({ a: 1, b: { c: [1, { d: 2, e: 3 }], f: 4 } })).toBe(
      fingerprintOf({ b: { f: 4, c: [1, { e: 3, d: 2 }] }, a: 1 }),
    );
  });

  it('changes with the order of lists, with types and with null', () => {
    const identities = [{ a: [1, 2] }, { a: [2, 1] }, { a: ['1', 2] }, { a: null }, { a: {} }, {}, { b: [1, 2] }];
    expect(new Set(identities.map(fingerprintOf)).size).toBe(identities.length);
  });

  it('survives JSON', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (identity) => {
        expect(fingerprintOf(JSON.parse(JSON.stringify(identity)))).toBe(fingerprintOf(identity));
      }),
    );
  });

  it('keeps a key named __proto__ apart from none', () => {
    expect(canonicalJson(JSON.parse('{"a": {"__proto__": 1}}'))).not.toBe(canonicalJson({ a: {} }));
  });
});

describe('changedFields', () => {
  it('names what differs, sorted, added and removed ones too', () => {
    const before = { model: 'a', where: null, files: [1, 2], same: { x: 1, y: 2 }, gone: 1 };
    const after = { model: 'b', where: null, files: [2, 1], same: { y: 2, x: 1 }, added: 1 };
    expect(changedFields(before, after)).toEqual(['added', 'files', 'gone', 'model']);
  });

  it('names nothing for equal identities', () => {
    expect(changedFields({ a: [{ b: 1 }] }, { a: [{ b: 1 }] })).toEqual([]);
  });
});

describe("a run's identity", () => {
  const features = { x: ['a', 'b'] };
  const fingerprint = (job: Readonly<Record<string, unknown>>) =>
    planRun(planInput({ job: { features, ...job } })).fingerprint;

  it.each([
    ['input.where', { input: { path: 'in.parquet', where: 'a > 1' } }],
    ['input.limit', { input: { path: 'in.parquet', limit: 3 } }],
    ['features', { features: { x: ['b', 'a'] } }],
    ['features', { features: { x: { columns: ['a', 'b'], nulls: 'nan' } } }],
    ['output.keep', { output: { path: 'out', keep: ['a'] } }],
    ['output.columns', { output: { path: 'out', columns: { z: 'y' } } }],
    ['output.format', { output: { path: 'out', format: 'csv' } }],
    ['output.compression', { output: { path: 'out', compression: 'gzip' } }],
    ['execution.shardRows', { execution: { shardRows: 3 } }],
  ])('changes with %s', (field, change) => {
    const before = planRun(planInput({ job: { features } })).identity;
    const after = planRun(planInput({ job: { features, ...change } })).identity;
    expect(changedFields(before, after)).toContain(field);
    expect(fingerprint(change)).not.toBe(fingerprint({}));
  });

  it.each([
    { execution: { workersPerDevice: 3 } },
    { execution: { batchSize: 17 } },
    { execution: { devices: 'cpu' } },
    { output: { path: 'elsewhere', mode: 'overwrite' } },
    { output: { path: 'out', keepVersions: 4 } },
    { description: 'other words' },
    { errors: { maxRejected: 5 } },
  ])('does not change with %j', (change) => {
    expect(fingerprint(change)).toBe(fingerprint({}));
  });

  it('changes with what files of labels say, and is as it was where none is named', () => {
    const { job } = planInput({ job: { features } });
    const input = { job, modelSha256: 'abc', format: 'parquet', files: [], columns: [] } as const;
    const identity = runIdentity(input);
    expect(Object.keys(identity)).not.toContain('label files');
    const labelled = runIdentity({ ...input, labels: { 'l.json': { 0: 'cat' } } });
    expect(changedFields(identity, labelled)).toEqual(['label files']);
    const other = runIdentity({ ...input, labels: { 'l.json': { 0: 'dog' } } });
    expect(changedFields(labelled, other)).toEqual(['label files']);
    expect(runIdentity({ ...input, labels: { 'l.json': { 0: 'cat' } } })).toEqual(labelled);
  });

  it('changes with the bytes of the model and with each input file', () => {
    const { job } = planInput({ job: { features } });
    const input = { job, modelSha256: 'abc', format: 'parquet', files: [fileOf([1])], columns: [] } as const;
    const identity = runIdentity(input);
    expect(changedFields(identity, runIdentity({ ...input, modelSha256: 'abd' }))).toEqual(['model.sha256']);
    const touched = { ...fileOf([1]), mtimeMs: 2 };
    expect(changedFields(identity, runIdentity({ ...input, files: [touched] }))).toEqual(['input files']);
    const other = { ...job, execution: { ...job.execution, graphOptimization: 'basic' as const } };
    expect(changedFields(identity, runIdentity({ ...input, job: other }))).toEqual(['execution.graphOptimization']);
    expect(Object.keys(identity)).not.toContain('execution.graphOptimization');
  });
});
