import { readdirSync } from 'node:fs';
import { UsageError } from '../errors.ts';
import { claimDirectory } from '../system/files.ts';
import type { System } from '../system/system.ts';
import { type Plan, planRun } from './plan.ts';
import type { SubmitRequest } from './ready.ts';
import { claimRecord, dropRecord, readRun } from './registry.ts';

/**
 * Makes the run its own: its record, because the id must be unique whatever the output, and its directory. A name
 * that was derived is moved on by a second when another run has it.
 */
export async function claimPlace(system: System, plan: Plan, request: SubmitRequest): Promise<Plan> {
  let candidate = plan;
  for (let second = 1; ; second++) {
    const taken = await claim(system, candidate);
    if (taken === undefined) return candidate;
    if (plan.parameters.name?.source !== 'derived' || second > 10) throw taken;
    candidate = planRun({ ...request, now: new Date(request.now.getTime() + second * 1000) });
  }
}

async function claim(system: System, { runId, outputDir }: Plan): Promise<UsageError | undefined> {
  const owner = await readRun(system, runId);
  if (!(await claimRecord(system, runId))) {
    const whose = owner ? ` of ${owner.createdAt}, in ${owner.outputDir}` : '';
    return new UsageError(`there is a run ${runId} already${whose}`, 'Give another name.');
  }
  const isMine = await claimDirectory(outputDir).catch(async (error: unknown) => {
    await dropRecord(system, runId);
    throw error;
  });
  if (isMine) return undefined;
  await dropRecord(system, runId);
  return new UsageError(
    `the output directory ${outputDir} is in use already`,
    readdirSync(outputDir).length === 0
      ? `It is empty: "rmdir" it when nobody else needs it, or give another name or output.`
      : 'Give another name or output.',
  );
}
