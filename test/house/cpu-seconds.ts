/**
 * Seconds of a core that this process has used so far, its threads included: unlike those of a clock, they are no more
 * while others have the machine or nobody runs.
 */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
