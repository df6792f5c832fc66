import { parseDuration } from '../slurm/duration.ts';
import type { Site } from './rule.ts';

/** What the rules need of a profile: its partitions' longest times, and the first two numbers of Slurm's version. */
export function siteFrom(
  partitions: Readonly<Record<string, { readonly max_time?: string | null | undefined }>>,
  slurmVersion: string | null | undefined,
): Pick<Site, 'partitions' | 'slurmVersion'> {
  const limits = Object.entries(partitions).flatMap(([name, { max_time }]) => {
    const limit = max_time ? parseDuration(max_time) : undefined;
    return limit === undefined ? [] : [[name, limit] as const];
  });
  return { partitions: new Map(limits), slurmVersion: slurmVersion?.match(/^\d+\.\d+/)?.[0] };
}
