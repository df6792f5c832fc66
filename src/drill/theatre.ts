import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { OpsError } from '../errors.ts';
import { clientEnvironment } from '../sandbox/client.ts';
import { layout, type Sandbox } from '../sandbox/sandbox.ts';
import { writeAtomic } from '../system/files.ts';
import { packageRoot } from '../system/package.ts';
import type { System } from '../system/system.ts';
import { type Curve, curveOf } from './curve.ts';
import type { Run } from './drill.ts';
import { opsctl } from './opsctl.ts';
import { finished } from './wait.ts';

/** The steps of a drill's training: enough for four attempts with a checkpoint in each. */
const STEPS = 32;
const SAVE_STEPS = 4;
const PYTHON = '/usr/bin/python3';

/**
 * A sandbox of four nodes has less of everything than a cluster, and a drill has no time to wait for a hang. A dead node
 * is the one fault that is left to the watcher.
 */
const CONFIG = `version: 1
profiles:
  drill:
    limits: { shm_free_mib: 16, tmp_free_mib: 16 }
    watch: { free_memory: 0, hang_factor: 2, hang_floor: "0:00:05", hang_ceiling: "0:00:15" }
    automation: { shm_age: "0:00:01", faults: { node-fail: L2 } }
`;

/** Everything that is the same for the run that is disturbed and for the one that is not. */
const PARAMETERS = {
  model: 'tiny',
  python: PYTHON,
  nodes: 2,
  processes_per_node: 1,
  cpus_per_node: 1,
  max_steps: STEPS,
  save_steps: SAVE_STEPS,
  eval_steps: STEPS,
  logging_steps: 1,
  per_device_train_batch_size: 4,
};

/** A sandbox with one training that nobody disturbs, which every drill's is compared with. */
export interface Theatre {
  readonly sandbox: Sandbox;
  /** Speaks to the sandbox's Slurm, with a state and a configuration of its own. */
  readonly system: System;
  readonly undisturbed: Run;
}

/** Makes the data and starts the training that nobody disturbs. */
export async function openTheatre(system: System, sandbox: Sandbox): Promise<Theatre> {
  const { shared } = layout(sandbox.dir);
  await mkdir(shared, { recursive: true });
  const own = await mkdtemp(join(shared, 'drills-'));
  const inside: System = {
    ...system,
    cwd: own,
    env: {
      ...system.env,
      ...clientEnvironment(system.env, sandbox),
      OPSCTL_HOME: join(own, 'state'),
      XDG_CONFIG_HOME: join(own, 'config'),
    },
  };
  await mkdir(join(own, 'config', 'opsctl'), { recursive: true });
  await writeAtomic(join(own, 'config', 'opsctl', 'config.yaml'), CONFIG);
  await makeData(inside, join(own, 'data'));
  const undisturbed = await submitTraining(inside, join(own, 'data'), 'undisturbed', {
    nodelist: 'gnode[03-04]',
  });
  return { sandbox, system: inside, undisturbed };
}

/** The loss curve of the training that nobody disturbed, once it has ended. */
export async function undisturbedCurve({ undisturbed }: Theatre): Promise<Curve> {
  await finished(undisturbed);
  return curveOf(undisturbed.outputDir, STEPS);
}

export function disturbedCurve(run: Run): Promise<Curve> {
  return curveOf(run.outputDir, STEPS);
}

async function makeData(system: System, directory: string): Promise<void> {
  const script = join(packageRoot(), 'examples', 'lm', 'make_data.py');
  const made = await system.exec([PYTHON, script, '--out', directory, '--samples', '400'], {
    timeoutMs: 30_000,
  });
  if (made.code !== 0) throw new OpsError(`the drill's data could not be made: ${made.stderr.trim()}`);
}

/** Submits the training of every drill, with what is different in this one. */
export async function submitTraining(
  system: System,
  data: string,
  name: string,
  more: Readonly<Record<string, string | number>>,
): Promise<Run> {
  const given = { ...PARAMETERS, data, output: join(system.cwd, 'runs'), name, ...more };
  const flags = Object.entries(given).map(([key, value]) => `--${key.replaceAll('_', '-')}=${value}`);
  // Long enough to be killed in, and no part of what is learned.
  const own = ['--checkpoint_delay', '0.5'];
  const argv = ['submit', 'sft', '-t', 'example', ...flags, '--again', '--no-preflight'];
  return opsctl<Run>({ system }, argv, own);
}
