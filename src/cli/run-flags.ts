import type { Trigger } from '../history/contract.ts';
import type { SpecFlags } from './spec-options.ts';

export interface RunFlags extends SpecFlags {
  readonly dryRun?: boolean;
  readonly restart?: boolean;
  readonly resume?: string;
  readonly date?: string;
  readonly keepGoing?: boolean;
  /** False after --no-notify. */
  readonly notify?: boolean;
  readonly wait?: string;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  /** False with `--no-history`. */
  readonly history?: boolean;
  readonly stateDir: string;
  readonly trigger?: Trigger;
  /** Of how many runs that go on at a time this is one: they share cores and memory. */
  readonly share?: string;
}
