import type { Attempts } from '../diagnosis/attempts.ts';
import { mayHaveLostNode } from '../diagnosis/gather.ts';
import { readAttempts } from '../run/attempts.ts';
import type { Attempt } from '../run/manifest.ts';
import type { SlurmJob } from '../slurm/job.ts';
import { isGone } from '../slurm/sinfo.ts';
import type { Look } from './look.ts';
import type { RunMemory } from './memory.ts';
import type { RunTarget } from './settle.ts';

/**
 * What Slurm says of an attempt that ended although its job lives on. Without accounting that is the state of the nodes
 * it was on, by its own record: a job whose batch node dies is put back without a word in any log.
 * @param run with the start of that attempt.
 * @param queued the job as it is now.
 */
export async function slurmOfPutBack(
  { manifest }: RunTarget,
  run: Pick<RunMemory, 'jobId' | 'startTime'>,
  queued: SlurmJob | undefined,
  look: Pick<Look, 'accounting' | 'nodes'>,
): Promise<Attempts & { readonly ran: readonly string[] }> {
  const { jobId, startTime } = run;
  const written = await readAttempts(manifest.outputDir).catch(() => []);
  const next = queued?.state.phase === 'pending' ? null : (queued?.startTime ?? null);
  const ended = begunAt(
    written.filter((attempt) => attempt.jobId === jobId),
    startTime ?? 0,
    next ?? Number.POSITIVE_INFINITY,
  );
  const nodes = mayHaveLostNode(ended) ? ended.nodes : [];
  const record = look.accounting?.find(
    (each) => each.jobId === jobId && each.startTime === startTime && each.state.phase === 'ended',
  );
  const lost = nodes.flatMap((name) => look.nodes?.get(name) ?? []).filter(isGone);
  return { newest: record, of: ended?.attempt, lost, ran: ended?.nodes ?? [] };
}

/** Seconds that the clocks of a node and of the controller may differ. */
const SKEW = 60;

/** The attempt that, by its node's clock, began at one start: nearer to it than to the next. */
function begunAt(attempts: readonly Attempt[], start: number, next: number): Attempt | undefined {
  return attempts.findLast(({ startedAt }) => {
    const began = Date.parse(startedAt) / 1000;
    return began >= start - SKEW && began < (start + next) / 2;
  });
}
