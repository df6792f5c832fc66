import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import type { ParameterValue } from '../template/parameter.ts';
import { directiveValue, shellWord } from '../template/quote.ts';
import { commentInSlurm } from './manifest.ts';
import { runName } from './name.ts';
import { type Plan, type PlanInput, planRun, valuesOf } from './plan.ts';

export interface SweepTask {
  readonly task: number;
  readonly input: PlanInput;
  readonly plan: Plan;
  /** What is its own in the sweep. */
  readonly values: Readonly<Record<string, ParameterValue>>;
}

export interface SweepPlan {
  readonly sweepId: string;
  /** Holds the array's script and the logs that Slurm writes; the runs lie beside it. */
  readonly directory: string;
  readonly scriptPath: string;
  readonly script: string;
  readonly tasks: readonly SweepTask[];
}

/** Of one array all tasks have the same name, place and resources; these lines of a run's header are its own. */
const OWN_LINES = /^#SBATCH --(?:job-name|comment|chdir|output)=/;
/** Slurm's own default for MaxArraySize is 1001. */
const MOST_TASKS = 1000;

/**
 * Decides the runs of a sweep and the script of the array that is them. Pure.
 * @param atOnce how many tasks may run at the same time; undefined is all.
 * @throws UsageError when the tasks ask Slurm for different things, which one array cannot.
 */
export function planSweep(
  inputs: readonly PlanInput[],
  swept: readonly string[],
  atOnce: number | undefined,
): SweepPlan {
  const [first] = inputs;
  if (first === undefined) throw new TypeError('a sweep without tasks');
  if (inputs.length > MOST_TASKS)
    throw new UsageError(`the sweep has ${inputs.length} runs; one array has at most ${MOST_TASKS}`);
  const forbidden = swept.find((name) => name === 'name' || name === 'output');
  if (forbidden)
    throw new UsageError(`${forbidden} cannot be swept: every run of a sweep gets its own name itself`);
  const values = valuesOf(first.parameters);
  const gpus = Number(values.nodes) * Number(values.gpus_per_node);
  const sweepId = String(
    values.name ?? `${runName(String(values.model), Number(values.nodes), gpus, first.now)}-sweep`,
  );
  const tasks = inputs.map((input, task): SweepTask => {
    const name = { value: `${sweepId}-${task}`, source: 'derived', where: `the sweep ${sweepId}` } as const;
    const named = { ...input, parameters: { ...input.parameters, name } };
    const own = swept.map((key) => [key, input.parameters[key]?.value ?? null] as const);
    return { task, input: named, plan: planRun(named), values: Object.fromEntries(own) };
  });
  const directory = join(String(values.output), sweepId);
  return {
    sweepId,
    directory,
    scriptPath: join(directory, 'job.sbatch'),
    script: sweepScript(sweepId, directory, tasks, atOnce),
    tasks,
  };
}

/** One script for all: it finds its run by the task's number and goes on with that run's own script. */
function sweepScript(
  sweepId: string,
  directory: string,
  tasks: readonly SweepTask[],
  atOnce: number | undefined,
): string {
  const headers = tasks.map(({ plan }) => headerOf(plan.script));
  const different = headers.findIndex((lines) => lines.join('\n') !== headers[0]?.join('\n'));
  if (different > 0) {
    const line = headers[different]?.find((each) => !headers[0]?.includes(each)) ?? '';
    throw new UsageError(
      `task ${different} asks Slurm for something else than task 0 (${line}), and the tasks of an array are alike`,
      'Sweep what the trainer is given; submit runs of different sizes one by one.',
    );
  }
  const limit = atOnce === undefined ? '' : `%${atOnce}`;
  const cases = tasks.map(({ task, plan, values }) => {
    const words = Object.entries(values).map(([name, value]) => `${name}=${value}`);
    return [`  # ${words.join(' ')}`, `  ${task}) run=${shellWord(plan.outputDir)} ;;`].join('\n');
  });
  return `${[
    '#!/usr/bin/env bash',
    '#',
    `# ${sweepId}: ${tasks.length} runs as one job array. Each has its own directory, script and manifest.`,
    '#',
    `#SBATCH --job-name=${directiveValue(sweepId)}`,
    `#SBATCH --comment=${directiveValue(commentInSlurm({ runId: sweepId }))}`,
    `#SBATCH --array=0-${tasks.length - 1}${limit}`,
    `#SBATCH --chdir=${directiveValue(directory)}`,
    `#SBATCH --output=${directiveValue(`${directory.replaceAll('%', '%%')}/logs/%A_%a.log`)}`,
    ...(headers[0] ?? []),
    '',
    'set -euo pipefail',
    '',
    `case "\${SLURM_ARRAY_TASK_ID:?this is the script of a job array}" in`,
    ...cases,
    `  *) echo "there is no task $SLURM_ARRAY_TASK_ID in this sweep" >&2; exit 64 ;;`,
    'esac',
    'echo "task $SLURM_ARRAY_TASK_ID of job $SLURM_ARRAY_JOB_ID, attempt ${SLURM_RESTART_COUNT:-0}: $run"',
    'cd "$run"',
    "# In this shell's place: signals, exit code and time limit are the run's own.",
    'exec bash "$run/job.sbatch" >>"$run/logs/job.log" 2>&1',
  ].join('\n')}\n`;
}

function headerOf(script: string): string[] {
  return script.split('\n').filter((line) => line.startsWith('#SBATCH ') && !OWN_LINES.test(line));
}
