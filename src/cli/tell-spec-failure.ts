import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { AppError } from '../core/errors.ts';
import { environment, ownStarter } from '../core/host.ts';
import { readNotify } from '../spec/read-notify.ts';
import type { Delivery } from '../telemetry/contract.ts';
import { newNotifier, newRunNotices } from './context.ts';
import type { Io } from './io.ts';
import { packageVersion } from './package-version.ts';
import type { RunFlags } from './run-flags.ts';
import { overridesOf } from './spec-options.ts';

interface SpecFailure {
  /** As the user wrote it. */
  readonly spec: string;
  readonly job: string;
  readonly flags: Pick<RunFlags, 'notify' | 'verbose' | 'trigger'> & Parameters<typeof overridesOf>[0];
  readonly error: unknown;
}

/**
 * A spec that is broken at night would else fail in silence: whoever its job still names is told.
 * @returns what did not arrive
 */
export async function tellSpecFailure(
  io: Io,
  { spec: path, job, flags, error }: SpecFailure,
): Promise<readonly Delivery[]> {
  // A mistake on the command line is made by somebody who sees it.
  const isMistake = error instanceof AppError && error.code === 'USAGE';
  if (isMistake || flags.notify === false) return [];
  const notify = await readNotify({ path, job, env: environment(), overrides: overridesOf(flags) });
  if (notify === undefined) return [];
  const onOutput = flags.verbose === true ? io.err : undefined;
  // A signal ends the command, which has nothing else to do.
  const { signal } = new AbortController();
  const notifier = await newNotifier(notify, { signal, folder: dirname(resolve(path)), onOutput });
  const notices = await newRunNotices(notifier, {
    ...{ job, specPath: resolve(path), host: hostname(), nightshiftVersion: packageVersion() },
    ...{ startedBy: ownStarter(), trigger: flags.trigger ?? 'manual' },
  });
  return (await notices.end({ error })).filter(({ isDelivered }) => !isDelivered);
}
