import { EXIT, type ExitCode, UsageError } from '../errors.ts';
import { loadPipeline } from '../pipeline/file.ts';
import { takeLease } from '../pipeline/lock.ts';
import { hasUnicode, picture } from '../pipeline/picture.ts';
import { type PlannedStage, planStages } from '../pipeline/plan.ts';
import { listPipelines, type PipelineRecord, pipelineFingerprint, stageRecord } from '../pipeline/record.ts';
import { stageStates } from '../pipeline/states.ts';
import {
  type CheckedStage,
  checkStages,
  forgetStages,
  goOn,
  refuseCriticalStages,
  statusOfChecks,
  submitPipeline,
} from '../pipeline/submit.ts';
import type { Manifest } from '../run/manifest.ts';
import { stamp } from '../run/name.ts';
import type { Lease } from '../system/lease.ts';
import { type Context, printJson } from './command.ts';
import { listConverters, pipelineInputs } from './pipeline-inputs.ts';

interface SubmitOptions {
  readonly isDry: boolean;
  readonly preflight: boolean;
  readonly again: boolean;
}

/** Submits a pipeline, or goes on with the submission of the same one that was cut short. */
export async function submitFile(path: string, context: Context, options: SubmitOptions): Promise<ExitCode> {
  const { system } = context;
  const pipeline = loadPipeline(path);
  const inputs = await pipelineInputs(context, pipeline);
  const pipelineId = `${pipeline.name}-${stamp(system.now())}`;
  const planned = planStages(pipelineId, inputs, await listConverters(system.env));
  const fingerprint = pipelineFingerprint(pipelineId, planned);
  const record: PipelineRecord = {
    version: 1,
    pipelineId,
    createdAt: system.now().toISOString(),
    file: path,
    cwd: system.cwd,
    fingerprint,
    state: 'preparing',
    stages: planned.map(stageRecord),
  };
  if (options.isDry) return dryRun(record, await check(context, record, planned, options), context);
  const lease = await takeLease(system);
  try {
    const earlier = await earlierOf(context, fingerprint, options.again);
    if (earlier) {
      context.terminal.note(`going on with the submission of ${earlier.pipelineId}, which was cut short`);
      return show(earlier, await goOn(system, earlier, lease), [], context);
    }
    return await submitNew(record, planned, lease, context, options);
  } finally {
    await lease.release();
  }
}

async function submitNew(
  record: PipelineRecord,
  planned: readonly PlannedStage[],
  lease: Lease,
  context: Context,
  options: SubmitOptions,
): Promise<ExitCode> {
  const checked = await check(context, record, planned, options);
  refuseCriticalStages(checked);
  const manifests = await submitPipeline(context.system, record, checked, lease);
  return show(record, manifests, checked, context);
}

function check(
  { system }: Context,
  record: PipelineRecord,
  planned: readonly PlannedStage[],
  { preflight }: SubmitOptions,
): Promise<CheckedStage[]> {
  return checkStages(system, record.pipelineId, planned, preflight);
}

/**
 * The same pipeline as it was submitted before, when that has to go on.
 * @throws UsageError when it is queued or running.
 */
async function earlierOf(
  { system }: Context,
  fingerprint: string,
  again: boolean,
): Promise<PipelineRecord | undefined> {
  for (const record of (await listPipelines(system)).filter((each) => each.fingerprint === fingerprint)) {
    // Cut short before Slurm heard of it: it begins anew.
    if (record.state === 'preparing') await forgetStages(system, record);
    if (record.state === 'submitting') return record;
    if (record.state !== 'submitted' || again) continue;
    const { states, failure } = await stageStates(system, record);
    if (failure) throw failure;
    const alive = states.filter(({ outcome }) => outcome === 'active' || outcome === 'unknown');
    if (alive.length > 0)
      throw new UsageError(
        `the same pipeline was submitted before, as ${record.pipelineId}: ${alive[0]?.stage} is ${alive[0]?.state}`,
        `See "opsctl pipeline status ${record.pipelineId}". To submit it a second time all the same, give --again.`,
      );
    if (
      states.some(({ outcome }) => outcome === 'failed' || outcome === 'never') &&
      states.some(({ outcome }) => outcome === 'ok')
    )
      throw new UsageError(
        `the same pipeline was submitted before, as ${record.pipelineId}, and is done in part`,
        `"opsctl pipeline resume ${record.pipelineId}" runs the rest; --again begins anew.`,
      );
  }
  return undefined;
}

function dryRun(
  record: PipelineRecord,
  checked: readonly CheckedStage[],
  { terminal, options, system }: Context,
): ExitCode {
  const status = statusOfChecks(checked);
  if (options.json) printJson(terminal, document(record, undefined, checked));
  else {
    for (const line of drawing(record, undefined, { terminal, system })) terminal.out(line);
    showChecks(checked, terminal.out);
    terminal.note('nothing was submitted; --json shows the scripts');
  }
  return status === 'critical' ? EXIT.critical : EXIT.ok;
}

function show(
  record: PipelineRecord,
  manifests: readonly Manifest[],
  checked: readonly CheckedStage[],
  context: Context,
): ExitCode {
  const { terminal, options } = context;
  if (options.json) printJson(terminal, document(record, manifests, checked));
  else {
    showChecks(checked, terminal.out);
    for (const line of drawing(record, manifests, context)) terminal.out(line);
    terminal.out(`submitted  ${terminal.style('bold', record.pipelineId)}`);
    terminal.out(`next       opsctl pipeline status ${record.pipelineId}`);
  }
  return EXIT.ok;
}

function showChecks(checked: readonly CheckedStage[], say: (line: string) => void): void {
  for (const { stage, readiness } of checked)
    for (const verdict of readiness.verdicts)
      say(`${verdict.status.padEnd(9)}  ${stage.name}: ${verdict.check}: ${verdict.message}`);
}

function drawing(
  record: PipelineRecord,
  manifests: readonly Manifest[] | undefined,
  { terminal, system }: Pick<Context, 'terminal' | 'system'>,
): string[] {
  const states = record.stages.map((stage, index) => ({
    stage: stage.name,
    after: stage.after,
    when: stage.when,
    state: manifests === undefined ? `${stage.phase} with ${stage.trainer}` : 'PENDING',
    outcome: manifests === undefined ? ('planned' as const) : ('active' as const),
    jobId: manifests?.[index]?.jobId ?? null,
    reason: null,
    elapsedSeconds: null,
  }));
  return picture(states, {
    width: terminal.width,
    unicode: hasUnicode(system.env),
    style: terminal.style,
  });
}

/** What --json prints: `script` is its text before the submission, and its path afterwards. */
function document(
  record: PipelineRecord,
  manifests: readonly Manifest[] | undefined,
  checked: readonly CheckedStage[],
) {
  return {
    pipelineId: record.pipelineId,
    preflight: { status: checked.length === 0 ? 'unknown' : statusOfChecks(checked) },
    stages: record.stages.map(({ name, ...stage }, index) => ({
      stage: name,
      ...stage,
      jobId: manifests?.[index]?.jobId ?? null,
      script: manifests?.[index]?.script ?? checked[index]?.plan.script ?? null,
      verdicts: checked[index]?.readiness.verdicts ?? [],
    })),
  };
}
