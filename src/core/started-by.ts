export const starters = ['shell', 'script', 'cron', 'systemd', 'ci', 'unknown'] as const;
export type StartedBy = (typeof starters)[number];

export interface StartFacts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** Whether stdin or stderr is a terminal. */
  readonly isInteractive: boolean;
  /** Whether the process belongs to a terminal, whatever its streams are. */
  readonly hasTerminal: boolean;
  /** The parent, its parent and so on; empty where the system does not tell. */
  readonly ancestors: readonly { readonly pid: number; readonly name: string }[];
}

const cronNames: readonly string[] = ['cron', 'crond', 'anacron', 'fcron'];

/** Who started a process, as far as can be told: a guess for people, on which nothing depends. */
export function startedBy(facts: StartFacts): StartedBy {
  const { env, ancestors } = facts;
  if (!['', '0', 'false'].includes(env['CI'] ?? '')) return 'ci';
  if (facts.isInteractive) return 'shell';
  // Before systemd: cron is a service of it, and what that sets may be inherited.
  if (ancestors.some(({ name }) => cronNames.includes(name.toLowerCase()))) return 'cron';
  if (isOfService(facts)) return 'systemd';
  return ancestors.length === 0 ? 'unknown' : 'script';
}

/** A terminal of a desktop is a service too, and what it sets is inherited by all that is started in it. */
function isOfService({ env, pid, hasTerminal, ancestors }: StartFacts): boolean {
  if ((env['INVOCATION_ID'] ?? '') === '' || hasTerminal) return false;
  const servicePid = env['SYSTEMD_EXEC_PID'];
  // Set since systemd 248.
  if (servicePid === undefined) return ancestors[0]?.name === 'systemd';
  return [pid, ...ancestors.map((ancestor) => ancestor.pid)].includes(Number(servicePid));
}
