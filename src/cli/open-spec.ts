import { existsSync } from 'node:fs';
import { AppError } from '../core/errors.ts';
import { environment } from '../core/host.ts';
import { type LoadedSpec, loadSpec } from '../spec/load-spec.ts';
import { overridesOf, type SpecFlags } from './spec-options.ts';

const usualSpec = 'jobs.yaml';

/** What `run`, `plan` and `validate` are told. */
export interface SpecRequest<Flags extends SpecFlags = SpecFlags> {
  readonly spec: string;
  readonly names: readonly string[];
  readonly flags: Flags;
}

/** @throws AppError SPEC_NOT_FOUND, SPEC_INVALID, USAGE */
export async function openSpec({ spec, names, flags }: SpecRequest): Promise<LoadedSpec> {
  try {
    const loaded = await loadSpec({ path: spec, env: environment(), overrides: overridesOf(flags) });
    // Zones and calendars are loaded only where a job asks for them.
    if (loaded.jobs.some(({ schedule }) => schedule !== undefined)) {
      const { checkSchedules } = await import('../schedule/check-schedules.ts');
      checkSchedules(loaded);
    }
    return loaded;
  } catch (error) {
    const isJobName = error instanceof AppError && error.code === 'SPEC_NOT_FOUND' && !/[./\\]/.test(spec);
    if (!isJobName || !existsSync(usualSpec)) throw error;
    const hint = `the spec comes before the jobs: write \`${usualSpec} ${[spec, ...names].join(' ')}\``;
    throw new AppError(error.code, error.message, { hint, cause: error, details: error.details });
  }
}
