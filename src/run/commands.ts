import { OpsError } from '../errors.ts';
import type { System } from '../system/system.ts';

/** A command line as a node runs it; what only the job knows stands as `$NAME`. */
export interface TrainerCommand {
  readonly program: string;
  /** The whole command line, the program first. */
  readonly argv: readonly string[];
}

/** Known only on a node: each stands for itself. */
const ON_THE_NODE = [
  'RUN_DIR',
  'ATTEMPT_DIR',
  'MASTER_ADDR',
  'MASTER_PORT',
  'SLURM_NODEID',
  'SLURMD_NODENAME',
  'SLURM_JOB_ID',
  'WANDB_NAME',
];

/**
 * The trainer's command lines of a script. Bash itself expands them: the script's own `launch` is called with an
 * `exec` that prints what it would have started.
 */
export async function trainerCommands(
  system: System,
  script: string,
  nodes: number,
): Promise<TrainerCommand[]> {
  const python = /^python=.*$/m.exec(script)?.[0] ?? '';
  const launch = /^launch\(\) \{\n[\s\S]*?\n\}$/m.exec(script)?.[0];
  if (launch === undefined) return [];
  const env = Object.fromEntries(ON_THE_NODE.map((name) => [name, `$${name}`]));
  const result = await system.exec(
    ['bash', '-c', `exec() { printf '%s\\0' "$@"; }\n${python}\n${launch}\nlaunch`],
    {
      env: { PATH: system.env.PATH, ...env, SLURM_NNODES: String(nodes) },
    },
  );
  const argv = result.stdout.split('\0').slice(0, -1);
  if (result.code !== 0 || argv[0] === undefined)
    throw new OpsError(`the launch part of the script cannot be expanded: ${result.stderr.trim()}`);
  return [{ program: argv[0], argv }];
}
