import { UsageError } from '../errors.ts';
import { isJobId } from '../slurm/job.ts';
import type { System } from '../system/system.ts';
import type { Manifest } from './manifest.ts';
import { findRun, runOfJob } from './registry.ts';
import { baseId } from './state.ts';

/** What a person named: a run of opsctl, or a job that only Slurm knows. */
export type Target =
  | { readonly kind: 'run'; readonly manifest: Manifest }
  | { readonly kind: 'job'; readonly jobId: string };

/**
 * A run by id, beginning of an id or `last`, or a job by its id. What looks like a job's id is one: it is never
 * taken as the beginning of a run's name, because `opsctl cancel 7` must not cancel the run `7b-sft`.
 * @throws UsageError when it names nothing that can be looked up.
 */
export async function findTarget(system: System, text: string): Promise<Target> {
  if (text === '')
    throw new UsageError('no run is named', 'Give a run, the beginning of its name, a job id, or "last".');
  if (!isJobId(text)) return { kind: 'run', manifest: await findRun(system, text) };
  const base = baseId(text);
  const manifest =
    (await runOfJob(system, text)) ?? (base === text ? undefined : await runOfJob(system, base));
  return manifest === undefined ? { kind: 'job', jobId: text } : { kind: 'run', manifest };
}
