import { resolve } from 'node:path';
import { EXIT, type ExitCode, OpsError, UsageError } from '../errors.ts';
import { readStages } from '../pipeline/advance.ts';
import { cancelStages } from '../pipeline/cancel.ts';
import { loadPipeline } from '../pipeline/file.ts';
import { takeLease } from '../pipeline/lock.ts';
import { type PlannedStage, planStages } from '../pipeline/plan.ts';
import { findPipeline, type PipelineRecord } from '../pipeline/record.ts';
import { resumePipeline } from '../pipeline/resume.ts';
import { inWords, revisions } from '../pipeline/revise.ts';
import { type Context, printJson } from './command.ts';
import { listConverters, pipelineInputs } from './pipeline-inputs.ts';

interface ResumeOptions {
  /** Take the file as it is now, for the stages that run again. */
  readonly edited: boolean;
  /** Look first whether these could start. Stages that are as they were have been looked at. */
  readonly preflight: boolean;
}

export async function resumeNamed(
  name: string,
  context: Context,
  { edited, preflight }: ResumeOptions,
): Promise<ExitCode> {
  const { system, terminal, options } = context;
  const lease = await takeLease(system);
  try {
    const record = await findPipeline(system, name);
    const now = edited ? await planAgain(context, record) : undefined;
    if (!edited) await noteEdits(context, record);
    const { redone, manifests } = await resumePipeline(system, record, lease, now, preflight);
    const submitted = manifests.filter(({ pipeline }) => redone.includes(pipeline?.stage ?? ''));
    if (options.json) {
      const stages = submitted.map(({ pipeline, runId, jobId }) => ({
        stage: pipeline?.stage,
        runId,
        jobId,
      }));
      printJson(terminal, { pipelineId: record.pipelineId, submitted: stages });
    } else if (submitted.length === 0)
      terminal.out('Nothing to do: every stage has ended well, or waits or runs.');
    for (const { pipeline, jobId } of options.json ? [] : submitted)
      terminal.out(`submitted  ${pipeline?.stage} as job ${jobId}`);
    return EXIT.ok;
  } finally {
    await lease.release();
  }
}

/** The stages as the file has them now, under the names of the pipeline that was submitted. */
async function planAgain(context: Context, record: PipelineRecord): Promise<PlannedStage[]> {
  const system = { ...context.system, cwd: record.cwd ?? context.system.cwd };
  const inputs = await pipelineInputs({ ...context, system }, loadPipeline(resolve(system.cwd, record.file)));
  return planStages(record.pipelineId, inputs, await listConverters(system.env));
}

/** Says that the file was edited, when nobody has asked for what it says now. A file that cannot be read says nothing. */
async function noteEdits(context: Context, record: PipelineRecord): Promise<void> {
  try {
    const manifests = await readStages(context.system, record);
    const revised = revisions(record, manifests, await planAgain(context, record));
    if (revised.length === 0) return;
    context.terminal.warn(
      `warning: ${record.file} was edited; the stages run as they were submitted. --edited takes what it says now:\n  ${revised.map(inWords).join('\n  ')}`,
    );
  } catch (error) {
    if (!(error instanceof OpsError || error instanceof UsageError)) throw error;
    context.terminal.warn(
      `warning: the stages run as they were submitted, whatever ${record.file} says now: ${error.message}`,
    );
  }
}

export async function cancelNamed(name: string, { system, terminal, options }: Context): Promise<ExitCode> {
  const lease = await takeLease(system);
  try {
    const record = await findPipeline(system, name);
    const left = await cancelStages(system, await readStages(system, record));
    if (options.json) printJson(terminal, { pipelineId: record.pipelineId, stillActive: left });
    else if (left.length === 0) terminal.out(`${record.pipelineId} has no stage that waits or runs.`);
    else terminal.out(`These jobs were asked to end and are still there: ${left.join(', ')}`);
    return left.length === 0 ? EXIT.ok : EXIT.failed;
  } finally {
    await lease.release();
  }
}
