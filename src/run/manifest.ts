import type { ParameterValue } from '../template/parameter.ts';
import type { ResolvedParameters } from '../template/resolve.ts';

export interface GitState {
  readonly directory: string;
  readonly commit: string;
  readonly branch: string | null;
  /** Uncommitted changes were there; they are in `code.diff` beside the manifest. */
  readonly dirty: boolean;
  /** Why `code.diff` is not there although there were changes. */
  readonly diffMissing?: string;
  /** Files and whole directories that git was never told of, so that neither commit nor diff has them: how many, and the first. */
  readonly untracked?: { readonly count: number; readonly first: readonly string[] };
}

/** What a job wrote about one of its attempts: attempts/N.json, N being SLURM_RESTART_COUNT. */
export interface Attempt {
  readonly attempt: number;
  readonly jobId: string;
  readonly nodes: readonly string[];
  /** ISO 8601 with offset. */
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly exitCode: number | null;
  /** Why it ended: `finished`, `failed`, `time-limit`, `preempted`, `cancelled`, `signal` or `gate`; null while it runs. */
  readonly reason?: string | null;
  /** The script put the job back into the queue, or saw that Slurm had. */
  readonly requeued?: boolean;
  /** Step of the checkpoint that it began with. */
  readonly resumedFrom?: number | null;
  /** Nodes that the gate found unfit, when there were any. */
  readonly refused?: readonly string[];
  /** What the gate found, in a sentence with its fix, when it ended the attempt. */
  readonly because?: string;
}

/** Everything about one run that must be known later. Written whole and atomically; never holds a secret. */
export interface Manifest {
  readonly version: 1;
  readonly runId: string;
  readonly phase: string;
  readonly trainer: string;
  readonly createdAt: string;
  readonly user: string;
  /**
   * `submitting` is written before sbatch is called, so that a job Slurm accepted is never lost. `planned`: a stage of
   * a pipeline for which sbatch was not called yet.
   */
  readonly state: 'planned' | 'submitting' | 'submitted';
  readonly jobId: string | null;
  /**
   * When and on which machine opsctl ended without knowing whether Slurm took the job. It holds for this submission only when
   * it is later than `createdAt`.
   */
  readonly unsure?: { readonly since: string; readonly host: string };
  readonly cluster: string | null;
  /** The run's own directory: manifest.json, job.sbatch, gate.sh, attempts/, logs/, cache/, checkpoints/. */
  readonly outputDir: string;
  readonly script: string;
  /** What the nodes are asked before the launcher starts: the file, and the ids of its checks. Absent with `gate: off`. */
  readonly gate?: { readonly path: string; readonly checks: readonly string[] };
  readonly parameters: ResolvedParameters;
  readonly trainerFlags: readonly string[];
  /** Equal for two submissions of the same thing. */
  readonly fingerprint: string;
  readonly code: readonly GitState[];
  readonly versions: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  readonly data: { readonly files: number; readonly bytes: number } | null;
  /** Nodes x GPUs per node x time limit in hours. */
  readonly gpuHours: number;
  readonly estimatedStart: string | null;
  readonly attempts: readonly Attempt[];
  /** How Slurm said that the job ended, for when Slurm has forgotten it; absent while it has not. */
  readonly ended?: string;
  /** What it waits for, as `--after` or its pipeline asked. */
  readonly after?: readonly Dependency[];
  /** Of a phase that has several: `reward`, `ppo`, `grpo` of rlhf. */
  readonly stage?: string;
  /** The pipeline it is a part of, and the name it has there. */
  readonly pipeline?: { readonly id: string; readonly stage: string };
  /** Parameters that hold what another run has left. */
  readonly upstream?: readonly {
    readonly parameter: string;
    readonly runId: string;
    readonly link: string;
  }[];
  /** What it was before it was submitted once more, until Slurm has taken that. */
  readonly replaces?: Pick<Manifest, 'createdAt' | 'ended' | 'parameters' | 'gpuHours' | 'gate'>;
  /** Jobs that ran the same script before this one, oldest first: the run was submitted again. */
  readonly earlierJobs?: readonly string[];
  /** Its name in Slurm, where that is not the run's id: the tasks of an array share one. */
  readonly jobName?: string;
  /** The sweep it is a task of, and what is its own in it. */
  readonly sweep?: {
    readonly id: string;
    readonly task: number;
    readonly values: Readonly<Record<string, ParameterValue>>;
  };
  /** Token totals as the trainer prints them at its start, by what they are of: `Total tokens for sft`. */
  readonly tokens?: Readonly<Record<string, number>>;
}

/** Slurm's own words for when a job may start: after another has ended well, badly, or at all. */
export type DependencyType = 'afterok' | 'afternotok' | 'afterany';

export interface Dependency {
  readonly type: DependencyType;
  readonly jobId: string;
  /** Null for a job that opsctl did not submit. */
  readonly runId: string | null;
}

/** Under which name Slurm has the run's job. */
export function nameInSlurm({ jobName, runId }: Pick<Manifest, 'jobName' | 'runId'>): string {
  return jobName ?? runId;
}

/** The comment that its script carries: who has a name like the run's does not have this. */
export function commentInSlurm(manifest: Pick<Manifest, 'jobName' | 'runId'>): string {
  return `opsctl:${nameInSlurm(manifest)}`;
}
