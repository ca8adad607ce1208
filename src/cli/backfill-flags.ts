import type { PartitionUnit } from '../schedule/partition-dates.ts';

export interface BackfillFlags {
  readonly from?: string;
  readonly to?: string;
  readonly every: PartitionUnit;
  readonly maxParallel: string;
  readonly onlyMissing?: boolean;
  readonly failed?: boolean;
  readonly all?: boolean;
  readonly reverse?: boolean;
  readonly dryRun?: boolean;
  readonly set?: readonly string[];
  readonly maxRejected?: string;
  readonly notify?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly stateDir: string;
}
