import { EXIT, type ExitCode, UsageError } from '../errors.ts';
import type { Manifest } from '../run/manifest.ts';
import type { PlanInput } from '../run/plan.ts';
import type { Readiness } from '../run/ready.ts';
import { checkSweep, type SweepRequest, submitSweep } from '../run/sweep.ts';
import { planSweep, type SweepPlan } from '../run/sweep-plan.ts';
import { parseSettings } from '../template/resolve.ts';
import { sweepSettings } from '../template/sweep.ts';
import { table } from '../terminal/table.ts';
import { type Arguments, type Context, flag, printJson, text, texts } from './command.ts';
import { peekChoice } from './run-options.ts';
import { chooseTemplate, planWith } from './run-template.ts';
import { showReadiness } from './submit.ts';

/** Submits one run for each combination of the values in --set, or gives undefined when there is no list of them. */
export async function submitAsSweep(
  args: Arguments,
  context: Context,
  request: SweepRequest,
): Promise<ExitCode | undefined> {
  const choice = peekChoice(context);
  const { template } = await chooseTemplate(context, choice);
  const { swept, tasks } = sweepSettings(parseSettings(texts(args, 'set')), template.parameters);
  if (tasks.length < 2) return undefined;
  const inputs = await Promise.all(tasks.map((settings) => planWith(settings, args, context, choice)));
  return submitInputs(inputs, swept, args, context, request);
}

/** What `submit` and `rerun` have in common, once it is known which runs the sweep has. */
export async function submitInputs(
  inputs: readonly PlanInput[],
  swept: readonly string[],
  args: Arguments,
  context: Context,
  request: SweepRequest,
): Promise<ExitCode> {
  if (flag(args, 'watch'))
    throw new UsageError(
      '--watch follows one run, and this is a sweep',
      'Follow one of its runs with "opsctl logs -f".',
    );
  const sweep = planSweep(inputs, swept, atOnce(args));
  const readiness = await checkSweep(context.system, sweep, request);
  const isDry = flag(args, 'dry-run') || flag(args, 'test-only');
  const manifests = isDry ? undefined : await submitSweep(context.system, sweep, request, readiness);
  show(sweep, readiness, manifests, context);
  return EXIT.ok;
}

function atOnce(args: Arguments): number | undefined {
  const given = text(args, 'at-once');
  if (given === undefined) return undefined;
  if (/^[1-9]\d{0,3}$/.test(given)) return Number(given);
  throw new UsageError(`--at-once ${given} is no whole number from 1 on`);
}

function show(
  sweep: SweepPlan,
  readiness: Readiness,
  manifests: readonly Manifest[] | undefined,
  context: Context,
): void {
  const { terminal, options } = context;
  const jobId = manifests?.[0]?.jobId?.split('_')[0] ?? null;
  if (options.json) {
    printJson(terminal, {
      runId: sweep.sweepId,
      jobId,
      phase: sweep.tasks[0]?.input.template.phase,
      trainer: sweep.tasks[0]?.input.template.trainer,
      script: manifests === undefined ? sweep.script : sweep.scriptPath,
      outputDir: sweep.directory,
      preflight: { status: readiness.status, verdicts: readiness.verdicts },
      estimatedStart: readiness.slurm?.accepted ? readiness.slurm.start : null,
      runs: sweep.tasks.map(({ task, plan, values }) => ({
        runId: plan.runId,
        jobId: manifests?.[task]?.jobId ?? null,
        outputDir: plan.outputDir,
        script: manifests === undefined ? plan.script : plan.scriptPath,
        gate: plan.gate && { path: plan.gate.path, checks: plan.gate.checks },
        values,
      })),
    });
    return;
  }
  if (manifests === undefined) terminal.out(sweep.script.trimEnd());
  const hours = sweep.tasks.reduce((sum, { plan }) => sum + plan.gpuHours, 0);
  showReadiness(readiness, hours, manifests === undefined ? terminal.warn : terminal.out, context);
  const rows = sweep.tasks.map(({ task, plan, values }) => [
    plan.runId,
    manifests?.[task]?.jobId ?? '-',
    Object.entries(values)
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
  ]);
  for (const line of table([['RUN', 'JOB', 'VALUES'], ...rows]))
    (manifests === undefined ? terminal.warn : terminal.out)(line);
  if (jobId !== null)
    terminal.out(`submitted  ${terminal.style('bold', sweep.sweepId)} as job array ${jobId}`);
}
