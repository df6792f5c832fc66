import { EXIT, type ExitCode, UsageError } from '../errors.ts';
import type { Plan } from '../run/plan.ts';
import type { Readiness, SubmitRequest } from '../run/ready.ts';
import { shellWord } from '../template/quote.ts';
import { type Arguments, type Command, type Context, flag, printJson, text, texts } from './command.ts';
import { addTemplateOptions, peekChoice, prepareParameters } from './run-options.ts';

export const submitCommand: Command = {
  command: 'submit <phase>',
  describe: 'Check a run, render its script and submit it',
  examples: [
    ['$0 submit sft -t example --model tiny --data ./data --output ./runs', 'check and submit'],
    ['$0 submit sft -r recipe.yaml --nodes 4 --dry-run', 'show what would be done'],
    ['$0 submit sft -r recipe.yaml --set learning_rate=1e-5,5e-6', 'one run for each value, as a job array'],
    ['$0 submit sft -r recipe.yaml -- --neftune_noise_alpha 5', 'with a flag of the trainer itself'],
  ],
  prepare: prepareParameters,
  options: (parser) => {
    const group = 'How it is submitted:';
    parser
      .option('dry-run', {
        type: 'boolean',
        group,
        describe: 'Check and show everything, write and submit nothing',
      })
      .option('test-only', {
        type: 'boolean',
        group,
        describe: 'Ask Slurm when it would start, and stop there',
      })
      .option('after', {
        type: 'string',
        requiresArg: true,
        group,
        describe: 'Start only when this job or run has ended well',
      })
      .option('at-once', {
        type: 'string',
        requiresArg: true,
        group,
        describe: 'Of a sweep (--set learning_rate=1e-5,5e-6): how many runs at the same time',
      })
      .option('watch', { type: 'boolean', group, describe: 'Follow the log until the run has ended' })
      .option('again', {
        type: 'boolean',
        group,
        describe: 'Submit although the same thing is queued or running',
      })
      .option('no-preflight', { type: 'boolean', group, describe: 'Submit without any check' });
    return addTemplateOptions(parser);
  },
  handler: async (args, context) => {
    const { planInput } = await import('./run-template.ts');
    const how = {
      again: flag(args, 'again'),
      preflight: !flag(args, 'no-preflight'),
      ...(await dependency(args, context)),
    };
    // Only a list of values has a comma in it: that is a sweep.
    if (texts(args, 'set').some((word) => word.includes(','))) {
      const { submitAsSweep } = await import('./submit-sweep.ts');
      const code = await submitAsSweep(args, context, how);
      if (code !== undefined) return code;
    }
    return submitInput({ ...(await planInput(args, context, peekChoice(context))), ...how }, args, context);
  },
};

/** What `submit` and `rerun` have in common, once it is known what is to run. */
export async function submitInput(
  request: SubmitRequest,
  args: Arguments,
  context: Context,
): Promise<ExitCode> {
  if (!flag(args, 'dry-run') && !flag(args, 'test-only')) return submit(request, args, context);
  const { planRun } = await import('../run/plan.ts');
  return dryRun(planRun(request), request, args, context);
}

async function submit(request: SubmitRequest, args: Arguments, context: Context) {
  const [{ submitRun }, { NotReady }] = await Promise.all([
    import('../run/submit.ts'),
    import('../run/ready.ts'),
  ]);
  const { terminal } = context;
  const submission = submitRun(context.system, request).catch((error: unknown) => {
    // Who reads JSON gets the checks as JSON; the words go to standard error as always.
    if (error instanceof NotReady && context.options.json)
      printJson(terminal, document(error.plan, error.readiness, request));
    throw error;
  });
  const { manifest, plan, readiness } = await submission;
  if (context.options.json) {
    printJson(terminal, {
      ...document(plan, readiness, request),
      jobId: manifest.jobId,
      script: manifest.script,
      gate: manifest.gate ?? null,
    });
  } else {
    showReadiness(readiness, manifest.gpuHours, terminal.out, context);
    terminal.out(`submitted  ${terminal.style('bold', manifest.runId)} as job ${manifest.jobId}`);
    terminal.out(`output     ${manifest.outputDir}`);
    terminal.out(`next       opsctl logs -f ${manifest.runId}`);
  }
  if (!flag(args, 'watch')) return EXIT.ok;
  const { followRun } = await import('./logs.ts');
  return followRun(manifest.runId, context);
}

async function dryRun(plan: Plan, request: SubmitRequest, args: Arguments, context: Context) {
  const { getReady } = await import('../run/ready.ts');
  const readiness = await getReady(context.system, plan, request);
  const { terminal } = context;
  if (context.options.json) {
    printJson(terminal, document(plan, readiness, request));
  } else {
    // The script alone on standard output, so that it can go into a file; what was found about it beside.
    const isScript = !flag(args, 'test-only');
    if (isScript) terminal.out(plan.script.trimEnd());
    showReadiness(readiness, plan.gpuHours, isScript ? terminal.warn : terminal.out, context);
    if (plan.gate) terminal.note(`gate       ${plan.gate.checks.join(' ')}, in ${plan.gate.path}`);
    terminal.note(
      `would be   sbatch --parsable ${[...request.sbatchOptions, plan.scriptPath].map(shellWord).join(' ')}`,
    );
  }
  return readiness.status === 'critical' ? EXIT.critical : EXIT.ok;
}

/** What --json prints of a submission that was not made; the scripts are their text then, and their paths once it was. */
function document(plan: Plan, readiness: Readiness, { template }: SubmitRequest) {
  const { files, bytes } = readiness.data;
  return {
    runId: plan.runId,
    jobId: null as string | null,
    phase: template.phase,
    trainer: template.trainer,
    script: plan.script,
    gate: plan.gate,
    outputDir: plan.outputDir,
    preflight: { status: readiness.status, verdicts: readiness.verdicts },
    estimatedStart: readiness.slurm?.accepted ? readiness.slurm.start : null,
    gpuHours: plan.gpuHours,
    data: files > 0 ? { files, bytes } : null,
  };
}

const STYLE = { ok: 'green', warning: 'yellow', unknown: 'yellow', critical: 'red' } as const;

export function showReadiness(
  readiness: Readiness,
  gpuHours: number,
  say: (line: string) => void,
  { terminal }: Context,
): void {
  for (const verdict of readiness.verdicts) {
    say(
      `${terminal.style(STYLE[verdict.status], verdict.status.padEnd(9))}  ${verdict.check}: ${verdict.message}`,
    );
  }
  if (readiness.verdicts.length === 0) say('unchecked  --no-preflight was given');
  say(`asks for   ${gpuHours > 0 ? `${Number(gpuHours.toFixed(1))} GPU-hours at most` : 'no GPUs'}`);
}

/** `--after 12` or `--after RUN`, as sbatch's option and for the manifest. */
export async function dependency(
  args: Arguments,
  { system }: Context,
): Promise<Pick<SubmitRequest, 'sbatchOptions' | 'chain'>> {
  const after = text(args, 'after');
  if (after === undefined) return { sbatchOptions: [] };
  const [{ isJobId }, { findTarget }, { dependencyOptions }] = await Promise.all([
    import('../slurm/job.ts'),
    import('../run/target.ts'),
    import('../run/dependency.ts'),
  ]);
  const target = await findTarget(system, after);
  const runId = target.kind === 'run' ? target.manifest.runId : null;
  const jobId = target.kind === 'job' || isJobId(after) ? after : target.manifest.jobId;
  if (jobId === null)
    throw new UsageError(
      `--after ${after}: it is not known whether Slurm has that run's job`,
      `See "opsctl status ${runId}".`,
    );
  const dependencies = [{ type: 'afterok', jobId, runId }] as const;
  return { sbatchOptions: dependencyOptions(dependencies), chain: { after: dependencies } };
}
