import type { Profile } from '../config/schema.ts';
import type { Cause } from '../diagnosis/rank.ts';
import type { Manifest } from '../run/manifest.ts';
import { draftOf } from './drafts.ts';
import type { Advice } from './step.ts';

/** The runbook's remedies that only a person can carry out, with run and job in their place. */
export function adviceOf(
  cause: Cause | null,
  run: Manifest | null,
  jobId: string | null,
  profile: Pick<Profile, 'partitions' | 'data_root'>,
  newestStep: number | null,
): Advice[] {
  return (cause?.remedies ?? [])
    .filter(({ id }) => draftOf(id, run, profile, newestStep) === undefined)
    .map(({ id, level, command, summary }) => ({ id, level, summary, command: filled(command, run, jobId) }));
}

/** Only names of our own making are put in: nothing from a log becomes part of a command. */
function filled(command: string, run: Manifest | null, jobId: string | null): string {
  return command.replace(/\bRUN\b/g, run?.runId ?? 'RUN').replace(/\bJOB\b/g, jobId ?? 'JOB');
}
