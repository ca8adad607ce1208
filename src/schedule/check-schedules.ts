import type { LoadedSpec } from '../spec/load-spec.ts';
import type { SpecPath } from '../spec/location.ts';
import { throwProblems } from '../spec/problems.ts';
import { readTickRule } from './tick-rule.ts';

/** @throws AppError SPEC_INVALID with every schedule whose expression cannot be read */
export function checkSchedules({ jobs, where }: LoadedSpec): void {
  throwProblems(
    jobs.flatMap(({ name, schedule }) => {
      const reading = schedule === undefined ? undefined : readTickRule(schedule);
      if (reading === undefined || reading.state === 'valid') return [];
      const path: SpecPath = ['jobs', name, 'schedule', reading.key];
      return [{ location: where(path), path, text: reading.text, hint: reading.hint }];
    }),
  );
}
