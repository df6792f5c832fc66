import { join } from 'node:path';
import type { Profile } from '../config/schema.ts';
import { UsageError } from '../errors.ts';
import type { Check } from '../health/check-schema.ts';
import { parseDuration } from '../slurm/duration.ts';
import { type PlainValue, templateContext } from '../template/context.ts';
import type { Template } from '../template/load.ts';
import type { ParameterValue } from '../template/parameter.ts';
import { render } from '../template/render.ts';
import type { ResolvedParameters } from '../template/resolve.ts';
import { fromCluster, gpuOption, impossible } from './cluster.ts';
import { mountsOf } from './container.ts';
import { type Gate, gateContext, gateOf } from './gate.ts';
import { lifecycleContext, lifecycleOf } from './lifecycle.ts';
import { commentInSlurm } from './manifest.ts';
import { mixtureContext } from './mixture.ts';
import { modelName, runName } from './name.ts';
import { type Upstream, upstreamContext } from './upstream.ts';
import type { VersionFlags } from './version-flags.ts';

/** Everything that a submission will do, before anything of it is done. `--dry-run` and `render` show exactly this. */
export interface Plan {
  readonly runId: string;
  readonly outputDir: string;
  readonly logDir: string;
  readonly scriptPath: string;
  readonly script: string;
  readonly gate: Gate | null;
  readonly parameters: ResolvedParameters;
  readonly gpuHours: number;
}

export interface PlanInput {
  readonly template: Template;
  readonly parameters: ResolvedParameters;
  readonly trainerFlags: readonly string[];
  readonly profile: Profile;
  readonly now: Date;
  readonly version: string;
  /** Where the package's own example trainer lies. */
  readonly packageRoot: string;
  /** What its nodes are asked before it starts, with the thresholds that hold for it. */
  readonly checks?: readonly Check[];
  /** Parameters that an earlier stage of a pipeline gives, once it has ended. */
  readonly upstream?: readonly Upstream[];
  /** Nodes that are kept out of this user's jobs at this moment. */
  readonly excluded?: readonly string[];
  /** Of the trainer's version, where the user has chosen one: they say which row of the table of signals holds. */
  readonly flags?: VersionFlags;
}

const SECONDS_AN_HOUR = 3600;
/** More threads than this per rank have never made a data loader faster. */
const MAX_OMP_THREADS = 16;

/**
 * Decides name, directory and script of a run. Pure: no clock, no file.
 * @throws UsageError when the cluster, as the profile knows it, can never run it.
 */
export function planRun(input: PlanInput): Plan {
  refuseLineBreaks(input.trainerFlags);
  const parameters = settle(input);
  const values = valuesOf(parameters);
  const problems = impossible(input.profile, values);
  if (problems.length > 0)
    throw new UsageError(
      problems.join('\n'),
      'The limits are those of the profile in force ("opsctl config" names it, --profile takes another); "opsctl init" reads them anew.',
    );
  const runId = String(values.name);
  const outputDir = join(String(values.output), runId);
  // With a backslash in it Slurm reads the log's name by other rules, and the job fails before its first line.
  if (outputDir.includes('\\'))
    throw new UsageError(
      `output: ${JSON.stringify(outputDir)} holds a backslash, which Slurm cannot have in a log's path`,
    );
  const logDir = join(outputDir, 'logs');
  const script = render(
    input.template.main,
    input.template.partials,
    contextOf(input, values, { runId, outputDir, logDir }),
  );
  return {
    runId,
    outputDir,
    logDir,
    scriptPath: join(outputDir, 'job.sbatch'),
    script,
    gate: gateOf(input.checks ?? [], input.template, values, { id: runId, dir: outputDir }),
    parameters,
    gpuHours: gpuHours(values),
  };
}

/** One partial of the run's script by itself: what a check needs to ask in the job's own surroundings. */
export function renderPart(input: PlanInput, name: string): string {
  const partial = input.template.partials.get(name);
  if (partial === undefined) throw new UsageError(`there is no templates/partials/${name}.hbs`);
  const values = valuesOf(settle(input));
  const outputDir = join(String(values.output), String(values.name));
  const run = { runId: String(values.name), outputDir, logDir: join(outputDir, 'logs') };
  return render(partial, input.template.partials, contextOf(input, values, run));
}

/** As in every parameter: no place in a batch script can carry them. */
function refuseLineBreaks(trainerFlags: readonly string[]): void {
  for (const word of trainerFlags) {
    if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(word)) {
      throw new UsageError(
        `${JSON.stringify(word.slice(0, 80))} (after "--") holds a line break or another control character`,
      );
    }
  }
}

/** Fills in what the parameters and the cluster leave open. */
function settle({ parameters, profile, now, excluded = [] }: PlanInput): ResolvedParameters {
  const values = valuesOf(parameters);
  const name =
    values.name ??
    runName(
      String(values.model),
      Number(values.nodes),
      Number(values.nodes) * Number(values.gpus_per_node),
      now,
    );
  const asked = typeof values.exclude === 'string' ? values.exclude : null;
  const derived = { ...fromCluster(profile, values), name, ...exclusion(asked, excluded) };
  const settled = { ...parameters };
  for (const [key, value] of Object.entries(derived)) {
    if (value !== values[key]) settled[key] = { value, source: 'derived', where: 'derived' };
  }
  return settled;
}

/** What the run itself does not want stays out, and so does what is excluded for all runs. */
function exclusion(asked: string | null, excluded: readonly string[]): { exclude?: string } {
  return excluded.length === 0
    ? {}
    : { exclude: [...(asked === null ? [] : [asked]), ...excluded].join(',') };
}

function contextOf(
  { template, trainerFlags, profile, packageRoot, version, checks = [], upstream = [], flags }: PlanInput,
  values: Readonly<Record<string, ParameterValue>>,
  run: { runId: string; outputDir: string; logDir: string },
) {
  const nproc = Number(values.gpus_per_node) || Number(values.processes_per_node ?? 1);
  const cpus = Number(values.cpus_per_node ?? 0);
  const plain: Record<string, PlainValue> = {
    ...values,
    phase: template.phase,
    stage: template.stage,
    side: template.front.side ?? null,
    mounts: mountsOf(template.parameters, values, run.outputDir),
    trainer: template.trainer,
    trainer_flags: trainerFlags,
    lifecycle: lifecycleContext(
      lifecycleOf(template.front.lifecycle, template.phase, template.stage ?? undefined, flags),
      values,
    ),
    gpu_option: gpuOption(profile, values),
    module_list: String(values.modules ?? '')
      .split(/\s+/)
      .filter((name) => name !== ''),
    nproc,
    omp_threads: Math.min(MAX_OMP_THREADS, Math.max(1, Math.floor(cpus / nproc))),
    opsctl_version: version,
    upstream: upstream.flatMap(upstreamContext),
    asked: gateContext(checks),
    ...mixtureContext(values),
    example_dir: join(packageRoot, 'examples', 'lm'),
    run: {
      id: run.runId,
      dir: run.outputDir,
      log_dir: run.logDir,
      checkpoints: join(run.outputDir, 'checkpoints'),
      log: join(run.logDir, 'job.log'),
      comment: commentInSlurm(run),
      model_name: modelName(String(values.model)),
    },
  };
  return templateContext(plain);
}

/** GPUs that Slurm sets aside, times the time limit. Zero without GPUs or without a limit. */
function gpuHours(values: Readonly<Record<string, ParameterValue>>): number {
  const seconds = parseDuration(String(values.time)) ?? 0;
  const hours = Number.isFinite(seconds) ? seconds / SECONDS_AN_HOUR : 0;
  return Number(values.nodes) * Number(values.gpus_per_node) * hours;
}

export function valuesOf(parameters: ResolvedParameters): Record<string, ParameterValue> {
  return Object.fromEntries(Object.entries(parameters).map(([name, { value }]) => [name, value]));
}
