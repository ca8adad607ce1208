import type { ShownState } from '../history/contract.ts';

interface RunsFlags {
  readonly json?: boolean;
  readonly stateDir: string;
}

export interface RunsListFlags extends RunsFlags {
  readonly job?: string;
  readonly spec?: string;
  readonly state?: ShownState;
  readonly since?: string;
  readonly until?: string;
  readonly date?: string;
  readonly limit?: string;
}

export interface RunsOneFlags extends RunsFlags {
  readonly job?: string;
}

export interface RunsLogsFlags extends RunsOneFlags {
  readonly follow?: boolean;
  readonly verbose?: boolean;
}

export interface RunsPruneFlags extends RunsFlags {
  readonly olderThan: string;
  readonly keep?: string;
  readonly dryRun?: boolean;
}
