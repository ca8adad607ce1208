import type { Slot } from '../executor/contract.ts';
import type { RunPlan } from '../plan/run-plan.ts';
import type { ExecutionSpec } from '../spec/job-spec.ts';
import type { Ports } from './ports.ts';

export interface ReadingAhead extends Pick<ExecutionSpec, 'readAhead'> {
  readonly slots: readonly Slot[];
  readonly plan: Pick<RunPlan, 'images'>;
}

/**
 * Whether workers read a batch while another is scored. Where the job leaves it open they do if that has a core to run
 * on; with images always, since decoding is most of the work, and else waits for each session call and commit.
 */
export function readsAhead(ports: Pick<Ports, 'canReadAhead'>, { readAhead, slots, plan }: ReadingAhead): boolean {
  if (readAhead !== 'auto') return readAhead > 0;
  return plan.images !== undefined || ports.canReadAhead(slots);
}
