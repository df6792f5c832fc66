import type { ResolvedParameters } from '../template/resolve.ts';

export interface GitState {
  readonly directory: string;
  readonly commit: string;
  readonly branch: string | null;
  /** Uncommitted changes were there; they are in `code.diff` beside the manifest. */
  readonly dirty: boolean;
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
}

/** Everything about one run that must be known later. Written whole and atomically; never holds a secret. */
export interface Manifest {
  readonly version: 1;
  readonly runId: string;
  readonly phase: string;
  readonly trainer: string;
  readonly createdAt: string;
  readonly user: string;
  /** `submitting` is written before sbatch is called, so that a job Slurm accepted is never lost. */
  readonly state: 'submitting' | 'submitted';
  readonly jobId: string | null;
  readonly cluster: string | null;
  /** The run's own directory: manifest.json, job.sbatch, attempts/, logs/, cache/, checkpoints/. */
  readonly outputDir: string;
  readonly script: string;
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
}
