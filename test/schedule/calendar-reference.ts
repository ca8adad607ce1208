import { execa } from 'execa';

/** Whether systemd's own reading can be had here. */
export async function hasSystemdAnalyze(): Promise<boolean> {
  return (await systemdVersion()) !== undefined;
}

/** 252; none where systemd is not installed. */
export async function systemdVersion(): Promise<number | undefined> {
  const { stdout } = await execa('systemd-analyze', ['--version'], { reject: false });
  const [, version] = /^systemd (\d+)/.exec(stdout ?? '') ?? [];
  return version === undefined ? undefined : Number(version);
}

export interface Asked {
  readonly lines: readonly string[];
  readonly fromMs: number;
  readonly count: number;
}

/** The instants after one at which each line elapses, as systemd says, by one process for all. */
export async function systemdTicks({ lines, fromMs, count }: Asked): Promise<readonly (readonly number[])[]> {
  const base = `${new Date(fromMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  const args = ['calendar', `--base-time=${base}`, `--iterations=${count}`, ...lines];
  const { stdout } = await execa('systemd-analyze', args, { env: { TZ: 'UTC', LC_ALL: 'C' } });
  const blocks = stdout.split(/^(?=Normalized form:)/m).filter((block) => block.startsWith('Normalized'));
  if (blocks.length !== lines.length) throw new Error(`${lines.length} lines, but ${blocks.length} answers`);
  return blocks.map((block) =>
    [...block.matchAll(/(?:Next elapse|Iter\. #\d+): \w+ ([\d-]+) ([\d:]+) UTC/g)].map(([, day, time]) =>
      Date.parse(`${day}T${time}Z`),
    ),
  );
}
