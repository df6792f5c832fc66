/** Processor time that a piece of work takes, in milliseconds: unlike time by the clock, a busy machine makes it no longer. */
export function effort(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
