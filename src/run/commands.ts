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
  'RESUME_FROM',
  'VLLM_HOST',
  'VLLM_PORT',
  'VLLM_GROUP_PORT',
  'cache',
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
  // Of the server as well, where one runs beside the training; Ray's own processes are no trainer's.
  const functions = [
    /^(launch)\(\) \{\n[\s\S]*?\n\}$/m.exec(script),
    /^(serve)\(\) \{\n {2}exec [\s\S]*?\n\}$/m.exec(script),
  ].filter((match) => match !== null);
  const training = /^train_nodes=/m.test(script) ? nodes - 1 : nodes;
  const env = {
    PATH: system.env.PATH,
    ...Object.fromEntries(ON_THE_NODE.map((name) => [name, `$${name}`])),
    SLURM_NNODES: String(training),
    SLURM_JOB_NUM_NODES: String(nodes),
  };
  return Promise.all(
    functions.map(async ([body, name]) => {
      const print = `exec() { printf '%s\\0' "$@"; exit; }`;
      const result = await system.exec(['bash', '-c', `${print}\n${python}\n${body}\n${name}`], { env });
      const argv = result.stdout.split('\0').slice(0, -1);
      if (result.code !== 0 || argv[0] === undefined)
        throw new OpsError(`the ${name} part of the script cannot be expanded: ${result.stderr.trim()}`);
      return { program: argv[0], argv };
    }),
  );
}
