import { join } from 'node:path';
import { diagnose, type FullDiagnosis } from '../../src/diagnosis/diagnose.ts';
import { loadRunbooks } from '../../src/runbook/load.ts';
import type { SlurmJob } from '../../src/slurm/job.ts';
import { jobState } from '../../src/slurm/states.ts';

/** Our own runbooks, whatever the site of this machine has. */
export const runbooks = await loadRunbooks({ env: { OPSCTL_RUNBOOKS: join(import.meta.dirname, 'none') } });

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Diagnoses a text as the only log, read in chunks of a size. */
export function diagnoseText(text: string | Buffer, size = 1 << 20): Promise<FullDiagnosis> {
  return diagnose(runbooks, [{ name: 'log', chunks: inPieces(Buffer.from(text), size) }]);
}

/** The fault named first, or the status where none is. */
export async function verdict(text: string | Buffer, size?: number): Promise<string> {
  const { status, causes } = await diagnoseText(text, size);
  return causes[0]?.fault ?? status;
}

/** A job of one node as sacct has it. */
export function job(state: string, more: Partial<SlurmJob> = {}): SlurmJob {
  return {
    source: 'sacct',
    jobId: '12',
    rawId: '12',
    name: 'x',
    user: 'u',
    partition: 'gpu',
    state: jobState(state),
    reason: null,
    nodeCount: 1,
    nodes: 'gnode01',
    elapsedSeconds: 60,
    limitSeconds: 60,
    submitTime: 1,
    startTime: 2,
    endTime: 3,
    comment: null,
    exitCode: 0,
    signal: null,
    ...more,
  };
}
