import type { Dependency } from './manifest.ts';

/**
 * sbatch's options for a job that waits for others, all of them. A job whose turn can never come is cancelled by Slurm
 * itself (sbatch(1), --kill-on-invalid-dep), instead of waiting for ever with DependencyNeverSatisfied.
 */
export function dependencyOptions(dependencies: readonly Dependency[]): string[] {
  if (dependencies.length === 0) return [];
  const words = dependencies.map(({ type, jobId }) => `${type}:${jobId}`);
  return [`--dependency=${words.join(',')}`, '--kill-on-invalid-dep=yes'];
}
