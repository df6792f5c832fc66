import type { System } from '../system/system.ts';
import { lastLine, slurm } from './command.ts';

export interface StartEstimate {
  /** When Slurm would start it now, in its local time as it prints it, or null when it does not say. */
  readonly start: string | null;
  readonly nodes: string | null;
}

export type TestOnly =
  | ({ readonly accepted: true; readonly tookMs: number } & StartEstimate)
  | { readonly accepted: false; readonly reason: string };
/** `unclear`: sbatch ended without saying yes or no, so Slurm may have the job. */
export type Submitted =
  | { readonly outcome: 'accepted'; readonly jobId: string; readonly cluster: string | null }
  | { readonly outcome: 'refused' | 'unclear'; readonly reason: string };

/** Milliseconds that Slurm has to take a job. A person waits for the question and for the job: ten seconds for both. */
const LIMIT_MS = 9_500;
/** For --test-only the controller plans the whole queue: on a large cluster that takes its time. */
const TEST_LIMIT_MS = 5_500;

/** `sbatch --test-only`: whether Slurm would take the script, and when it would start. Submits nothing. */
export async function sbatchTestOnly(
  system: System,
  script: string,
  options: readonly string[],
): Promise<TestOnly> {
  const start = system.now().getTime();
  const answer = await slurm(system, ['sbatch', '--test-only', ...options], {
    input: script,
    env: withoutJob(system.env),
    timeoutMs: TEST_LIMIT_MS,
  });
  if (!answer.ok)
    return { accepted: false, reason: lastLine(answer.stderr).replace(/^allocation failure: /, '') };
  const match = /to start at (\S+) .*on nodes (\S+)/.exec(answer.stderr + answer.stdout);
  const tookMs = Math.min(Math.max(system.now().getTime() - start, 0), TEST_LIMIT_MS);
  return { accepted: true, start: match?.[1] ?? null, nodes: match?.[2] ?? null, tookMs };
}

/**
 * `sbatch --parsable`. Accepted means that Slurm has the job.
 * @param usedMs of the time that a person is ready to wait: what `sbatchTestOnly` took before.
 * @throws OpsError with exit code 75 when no answer came: then the job may have been taken all the same.
 */
export async function sbatch(
  system: System,
  scriptPath: string,
  options: readonly string[],
  usedMs = 0,
): Promise<Submitted> {
  const answer = await slurm(system, ['sbatch', '--parsable', ...options, scriptPath], {
    env: withoutJob(system.env),
    timeoutMs: LIMIT_MS - usedMs,
  });
  // Sites put their own programs in sbatch's place; those often print the words that sbatch has without --parsable.
  const match = /^(?:Submitted batch job )?(\d+)(?:;(\S+))?\s*$/m.exec(answer.stdout);
  if (match?.[1] !== undefined) return { outcome: 'accepted', jobId: match[1], cluster: match[2] ?? null };
  const reason = lastLine(answer.stderr) || `sbatch printed no job id (exit code ${answer.code})`;
  return { outcome: answer.code === null || answer.code === 0 ? 'unclear' : 'refused', reason };
}

/**
 * Inside another job the variables of that job would become this one's: SLURM_* and SBATCH_* are taken away, except
 * those that say where the cluster is.
 */
function withoutJob(env: System['env']): Record<string, undefined> {
  const names = Object.keys(env).filter(
    (name) => /^(?:SLURM|SBATCH)_/.test(name) && !/^SLURM_(?:CONF|CONF_SERVER|CLUSTERS)$/.test(name),
  );
  return Object.fromEntries(names.map((name) => [name, undefined]));
}
