import { profileSchema } from '../../src/config/schema.ts';
import type { Cause } from '../../src/diagnosis/rank.ts';
import type { ActEntry } from '../../src/remedy/entry.ts';
import type { JobNow } from '../../src/remedy/job-now.ts';
import { makePlan } from '../../src/remedy/plan.ts';
import type { PlanRequest } from '../../src/remedy/request.ts';
import { NO_CHANGE, type Plan } from '../../src/remedy/step.ts';
import { jobState } from '../../src/slurm/states.ts';
import { manifest } from '../run/known.ts';
import { PARTITION } from '../support/plan.ts';

export const NOW = new Date('2026-11-25T03:00:00Z');

/** A cause with these remedies, as `diagnose` gives it. */
export function cause(fault: string, remedies: readonly string[], over: Partial<Cause> = {}): Cause {
  return {
    fault,
    confidence: 0.95,
    summary: `${fault} happened.`,
    why: [],
    evidence: [],
    remedies: remedies.map((id) => ({ id, level: 'L2', command: `do ${id} JOB`, summary: id })),
    ...over,
  };
}

/** A line of evidence that names a node. */
export function evidence(node: string | null, text = 'it broke'): Cause['evidence'][number] {
  return { file: 'job.log', line: 1, text, rank: null, node, role: 'root' };
}

/** Job 12 of ana, which has failed on four nodes ten minutes ago. */
export function jobNow(over: Partial<Omit<JobNow, 'state'>> & { state?: string } = {}): JobNow {
  const { state = 'FAILED', ...rest } = over;
  return {
    jobId: '12',
    user: 'ana',
    state: jobState(state),
    reason: null,
    restarts: 0,
    mayRequeue: true,
    excluded: [],
    required: [],
    nodes: ['gnode01', 'gnode02', 'gnode03', 'gnode04'],
    parts: false,
    startTime: NOW.getTime() / 1000 - 3600,
    endTime: NOW.getTime() / 1000 - 600,
    ...rest,
  };
}

export const AUTOMATION = profileSchema.parse({}).automation;

export function request(over: Partial<PlanRequest> = {}): PlanRequest {
  return {
    diagnosis: { status: 'diagnosed', causes: [cause('killed-external', ['requeue'])] },
    run: manifest(),
    job: jobNow(),
    nodes: [],
    newestStep: 100,
    profile: {
      automation: { ...AUTOMATION, level: 'L2' },
      partitions: { gpu: PARTITION },
      data_root: null,
    },
    history: [],
    exclusions: [],
    actor: { user: 'ana', ownJob: null, attended: false },
    isNamed: false,
    seenAt: null,
    now: NOW,
    ...over,
  };
}

/** The plan for one cause. */
export function planFor(found: Cause, over: Partial<PlanRequest> = {}): Plan {
  return makePlan(request({ diagnosis: { status: 'diagnosed', causes: [found] }, ...over }));
}

export function actions(plan: Plan): string[] {
  return plan.steps.map(({ action }) => action);
}

/** The rails that held something back, by action. */
export function rails(plan: Plan): string[] {
  return plan.refused.map(({ action, rail }) => `${action}: ${rail}`);
}

/** A requeue that was done some minutes before NOW, at this checkpoint. */
export function done(
  minutesAgo: number,
  checkpointStep: number | null,
  over: Partial<ActEntry> = {},
): ActEntry {
  const at = new Date(NOW.getTime() - minutesAgo * 60_000).toISOString();
  return {
    version: 1,
    kind: 'act',
    id: `${minutesAgo}`,
    at,
    by: 'ana',
    host: 'login1',
    pid: 1,
    attended: false,
    runId: 'sft-tiny',
    jobId: '12',
    fault: 'killed-external',
    level: 2,
    action: 'requeue',
    act: { jobId: '12', runId: 'sft-tiny', nodes: [], change: NO_CHANGE, seconds: 0, limit: 0 },
    command: ['scontrol', 'requeue', '12'],
    reason: '',
    evidence: [],
    checkpointStep,
    before: {},
    outcome: { at, result: 'done', said: '', after: null },
    ...over,
  };
}
