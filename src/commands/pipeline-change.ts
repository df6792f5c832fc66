import { EXIT, type ExitCode } from '../errors.ts';
import { readStages } from '../pipeline/advance.ts';
import { cancelStages } from '../pipeline/cancel.ts';
import { takeLease } from '../pipeline/lock.ts';
import { findPipeline } from '../pipeline/record.ts';
import { resumePipeline } from '../pipeline/resume.ts';
import { type Context, printJson } from './command.ts';

export async function resumeNamed(name: string, { system, terminal, options }: Context): Promise<ExitCode> {
  const lease = await takeLease(system);
  try {
    const record = await findPipeline(system, name);
    const { redone, manifests } = await resumePipeline(system, record, lease);
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
