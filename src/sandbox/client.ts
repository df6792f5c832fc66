import { EXIT, OpsError } from '../errors.ts';
import { type SlurmAnswer, slurm } from '../slurm/command.ts';
import type { System } from '../system/system.ts';
import { layout, type Sandbox } from './sandbox.ts';

/** What a shell needs to use the sandbox: the variables of `opsctl sandbox env`. */
export function shellEnvironment(sandbox: Sandbox): Record<string, string> {
  const files = layout(sandbox.dir);
  return {
    SLURM_CONF: files.slurmConf,
    OPSCTL_SANDBOX: sandbox.dir,
    OPSCTL_SANDBOX_SHARED: files.shared,
  };
}

/** Variables that steer Slurm's commands (SINFO_FORMAT, SLURM_CLUSTERS, SBATCH_PARTITION, ...). */
const STEERING = /^(SLURM|SBATCH|SRUN|SALLOC|SINFO|SQUEUE|SACCT|SACCTMGR|SCONTROL|SCANCEL)_/;

/** Milliseconds: what waits for a daemon asks again, so a short limit costs nothing. */
const ANSWER_LIMIT_MS = 4_000;

/** Asks the sandbox's own Slurm; undefined when it does not answer (yet). */
export async function ask(
  system: System,
  sandbox: Sandbox,
  argv: readonly string[],
  options: { readonly input?: string; readonly timeoutMs?: number } = {},
): Promise<SlurmAnswer | undefined> {
  try {
    const env = clientEnvironment(system.env, sandbox);
    return await slurm(system, argv, { timeoutMs: ANSWER_LIMIT_MS, ...options, env });
  } catch (error) {
    if (error instanceof OpsError && error.exitCode === EXIT.tryAgain) return undefined;
    throw error;
  }
}

/** The state of each node as sinfo names it (`idle`, `down*`); undefined when the controller does not answer. */
export async function nodeStates(system: System, sandbox: Sandbox): Promise<Map<string, string> | undefined> {
  const answer = await ask(system, sandbox, ['sinfo', '-hN', '-p', 'gpu', '-o', '%N %T']);
  if (!answer?.ok) return undefined;
  return new Map(
    answer.stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
}

/** None of the user's own settings for Slurm's commands apply to opsctl's questions. */
export function clientEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  sandbox: Sandbox,
): Record<string, string | undefined> {
  const steering = Object.keys(env).filter((name) => STEERING.test(name));
  return {
    ...Object.fromEntries(steering.map((name) => [name, undefined])),
    SLURM_CONF: layout(sandbox.dir).slurmConf,
  };
}
