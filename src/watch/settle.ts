import type { Attempts } from '../diagnosis/attempts.ts';
import { diagnose, fileSource } from '../diagnosis/diagnose.ts';
import { runLogs } from '../diagnosis/gather.ts';
import type { Diagnosis } from '../diagnosis/rank.ts';
import { OpsError } from '../errors.ts';
import { readRun } from '../run/registry.ts';
import type { Target } from '../run/target.ts';
import { loadRunbooks } from '../runbook/load.ts';
import type { System } from '../system/system.ts';

export type Known = Pick<Diagnosis, 'status' | 'causes'>;

const UNKNOWN: Known = { status: 'unknown', causes: [] };

/** Why a run ended, from its logs and what the look at Slurm has already said: asks Slurm nothing. */
export async function diagnoseEnd(system: System, target: RunTarget, slurm: Attempts): Promise<Known> {
  const files = await runLogs(target);
  const sources = files.map((path) => fileSource(system, path));
  try {
    return await diagnose(await loadRunbooks(system), sources, slurm);
  } catch (error) {
    // Logs that cannot be read say nothing; that the run ended is told all the same.
    if (error instanceof OpsError) return UNKNOWN;
    throw error;
  }
}

export type RunTarget = Extract<Target, { kind: 'run' }>;

/** The run as its manifest has it now; undefined when that was taken away meanwhile. */
export async function targetOf(system: System, runId: string): Promise<RunTarget | undefined> {
  const manifest = await readRun(system, runId);
  return manifest === undefined ? undefined : { kind: 'run', manifest };
}

/** A hang has no line in a log: the watcher is the one who saw it. */
export async function diagnosisOfHang(system: System, summary: string, node: string | null): Promise<Known> {
  const book = (await loadRunbooks(system)).find(({ fault }) => fault === 'hang');
  const evidence = { file: null, line: null, text: summary, rank: null, node, role: 'root' as const };
  return {
    status: 'diagnosed',
    causes: [
      {
        fault: 'hang',
        confidence: HANG_CONFIDENCE,
        summary: book?.front.summary ?? summary,
        why: [],
        evidence: [evidence],
        remedies: book?.front.remedies ?? [],
      },
    ],
  };
}

/** Seen in two looks against the run's own rhythm: enough to act on, where the policy lets the watcher act. */
const HANG_CONFIDENCE = 0.85;
