import type { Cause } from '../diagnosis/rank.ts';
import type { Manifest } from '../run/manifest.ts';
import { compressHostlist } from '../slurm/hostlist.ts';
import { shellWord } from '../template/quote.ts';
import { draftOf } from './drafts.ts';
import type { PlanRequest } from './request.ts';
import type { Advice } from './step.ts';

/** The runbook's remedies that only a person can carry out, with what is known in its place. */
export function adviceOf(cause: Cause | null, jobId: string | null, request: PlanRequest): Advice[] {
  const { run, profile, newestStep } = request;
  if (cause === null) return [];
  return cause.remedies
    .filter(({ id }) => draftOf(id, run, profile, newestStep) === undefined)
    .map(({ id, level, command, summary }) => ({
      id,
      level,
      summary,
      command: filled(command, cause, jobId, request),
    }));
}

/** Only names that are known otherwise are put in: nothing from a log becomes part of a command. */
function filled(command: string, cause: Cause, jobId: string | null, { run, job }: PlanRequest): string {
  const nodes = job === null || job === 'blind' ? [] : job.nodes;
  const blamed = nodes.filter((node) => cause.evidence.some((one) => one.node === node));
  // Where a program only looks it may look at all nodes; everything else is about one.
  const looked = blamed.length > 0 ? blamed : nodes;
  const [one] = looked.length === 1 ? looked : [];
  const where = looked.length === 0 ? undefined : shellWord(compressHostlist(looked));
  const path = run === null ? undefined : pathOf(cause, run);
  const directory = run === null ? undefined : shellWord(run.outputDir);
  const known: Readonly<Record<string, string | null | undefined>> = {
    RUN: run?.runId,
    JOB: jobId,
    '-w NODE': where && `-w ${where}`,
    NODE: one,
    PATH: path,
    OUTPUT: directory,
    RUN_DIR: directory,
  };
  // In one pass: what is put in is not looked at again.
  return command.replace(
    /-w NODE\b|\b(?:RUN|JOB|NODE|PATH|OUTPUT|RUN_DIR)\b/g,
    (name) => known[name] || name,
  );
}

/** The longest of the run's own paths that the evidence speaks of. */
function pathOf({ evidence }: Cause, { outputDir, parameters }: Manifest): string | undefined {
  const own = Object.values(parameters).flatMap(({ value }) =>
    typeof value === 'string' && /^\/[^\u0000-\u001f]+$/.test(value) ? [value] : [],
  );
  const [longest] = [outputDir, ...own]
    .filter((path) => evidence.some(({ text }) => text.includes(path)))
    .sort((one, other) => other.length - one.length);
  return longest === undefined ? undefined : shellWord(longest);
}
