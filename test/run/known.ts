import type { Attempt, Manifest } from '../../src/run/manifest.ts';
import type { SlurmJob } from '../../src/slurm/job.ts';
import { jobState } from '../../src/slurm/states.ts';

/** Run `sft-tiny`, job 12 of ana, on two nodes with two processes each. */
export function manifest(changes: Partial<Manifest> = {}): Manifest {
  return {
    version: 1,
    runId: 'sft-tiny',
    phase: 'sft',
    trainer: 'example',
    createdAt: '2026-11-23T19:59:00Z',
    user: 'ana',
    state: 'submitted',
    jobId: '12',
    cluster: null,
    outputDir: '/data/runs/sft-tiny',
    script: '/data/runs/sft-tiny/job.sbatch',
    parameters: {
      nodes: { value: 2, source: 'flag', where: '--nodes' },
      gpus_per_node: { value: 0, source: 'default', where: 'example' },
      processes_per_node: { value: 2, source: 'default', where: 'example' },
    },
    trainerFlags: [],
    fingerprint: 'f',
    code: [],
    versions: {},
    environment: {},
    data: null,
    gpuHours: 0,
    estimatedStart: null,
    attempts: [],
    ...changes,
  };
}

/** Its job, as Slurm shows it. */
export function job(changes: Partial<Omit<SlurmJob, 'state'>> & { state?: string } = {}): SlurmJob {
  const { state = 'RUNNING', ...rest } = changes;
  return {
    source: 'squeue',
    jobId: '12',
    rawId: '12',
    name: 'sft-tiny',
    user: 'ana',
    partition: 'gpu',
    state: jobState(state),
    reason: null,
    nodeCount: 2,
    nodes: 'gnode[01-02]',
    elapsedSeconds: 60,
    limitSeconds: 3600,
    submitTime: null,
    startTime: null,
    endTime: null,
    comment: 'opsctl:sft-tiny',
    exitCode: null,
    signal: null,
    ...rest,
  };
}

/** Its first attempt, ended well. */
export function attempt(changes: Partial<Attempt> = {}): Attempt {
  return {
    attempt: 0,
    jobId: '12',
    nodes: ['gnode01'],
    startedAt: '2026-11-23T20:00:00+00:00',
    endedAt: '2026-11-23T20:10:00+00:00',
    exitCode: 0,
    ...changes,
  };
}
