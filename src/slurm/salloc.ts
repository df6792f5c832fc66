import type { System } from '../system/system.ts';
import { lastLine, slurm } from './command.ts';
import { compressHostlist } from './hostlist.ts';

/** A short job that only holds nodes. */
export interface AllocationRequest {
  readonly nodes: readonly string[];
  /** Of salloc, such as --partition. */
  readonly options: readonly string[];
  /** After this many seconds Slurm takes the nodes back, should nobody give them back. */
  readonly seconds: number;
}

export type Allocation = { readonly jobId: string } | { readonly refused: string };

/** Seconds that the job may wait for its nodes: who asks sits at a terminal. */
const IMMEDIATE_SECONDS = 10;
/** Enough to import torch with CUDA, little enough to fit beside other jobs. */
const MEMORY = '2G';

/**
 * Holds nodes for steps of our own, or says in Slurm's words why not.
 * @throws OpsError 69 or 75 from slurm().
 */
export async function allocate(
  system: System,
  { nodes, options, seconds }: AllocationRequest,
): Promise<Allocation> {
  const argv = [
    ...['salloc', '--no-shell', '--job-name=opsctl-preflight', '--no-kill'],
    `--immediate=${IMMEDIATE_SECONDS}`,
    `--time=${Math.ceil(seconds / 60)}`,
    `--mem=${MEMORY}`,
    '--cpus-per-task=1',
    ...options,
    `--nodes=${nodes.length}`,
    `--nodelist=${compressHostlist(nodes)}`,
    '--ntasks-per-node=1',
  ];
  const env = Object.keys(system.env).filter((name) => name.startsWith('SALLOC_'));
  const answer = await slurm(system, argv, {
    timeoutMs: (IMMEDIATE_SECONDS + 10) * 1000,
    // A person's defaults for salloc are for other things.
    env: Object.fromEntries(env.map((name) => [name, undefined])),
  });
  const jobId = /Granted job allocation (\d+)/.exec(answer.stderr)?.[1];
  return jobId === undefined ? { refused: lastLine(answer.stderr) } : { jobId };
}

/** Gives the nodes back. Where Slurm does not answer, the job's own time limit does. */
export async function release(system: System, jobId: string): Promise<void> {
  await system.exec(['scancel', jobId], { env: system.env, timeoutMs: 8000 });
}
