import type { DueDecision, MoreTicks } from './due.ts';
import type { Stopped } from './fate-of.ts';
import type { RunEnd } from './launcher.ts';

/** What is told while what is due runs. */
export type DueEvent =
  | { readonly type: 'note'; readonly message: string }
  | { readonly type: 'nothing-due'; readonly nextTickMs: number | undefined }
  | ({ readonly type: 'tick-decided' } & DueDecision)
  /** Ticks before those, all decided alike. */
  | ({ readonly type: 'ticks-decided' } & MoreTicks)
  | { readonly type: 'run-delayed'; readonly tickMs: number; readonly untilMs: number }
  | { readonly type: 'run-launched'; readonly tickMs: number; readonly logicalDate: string; readonly reason: string }
  | { readonly type: 'run-stopping'; readonly tickMs: number; readonly reason: string }
  | {
      readonly type: 'run-ended';
      readonly tickMs: number;
      readonly logicalDate: string;
      readonly end: RunEnd;
      /** Why it was stopped, if it was. */
      readonly stopped?: Stopped | undefined;
    };
