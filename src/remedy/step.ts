import type { Diagnosis } from '../diagnosis/rank.ts';

/** Everything that opsctl can do about a fault, and nothing else: no reboot, no reset, no kill by name, no rm -rf. */
export const ACTIONS = [
  'requeue',
  'resubmit',
  'hold',
  'release',
  'cancel',
  'clear-nccl-shm',
  'prune-checkpoints',
  'exclude-node',
  'drain-node',
  'resume-node',
  'raise-limit',
  'collect-evidence',
] as const;
export type ActionName = (typeof ACTIONS)[number];

/** 0 reports, 1 proposes, 2 acts on one's own job, 3 on one's own files, 4 on a node. */
export type Level = 0 | 1 | 2 | 3 | 4;

/** What makes the next attempt another one than the last. */
export interface Change {
  /** Template parameters, as --set takes them. */
  readonly set: Readonly<Record<string, string>>;
  /** Go on from the newest complete checkpoint below this step; what is newer is set aside, not deleted. */
  readonly beforeStep: number | null;
}

/** What one step does, as plain data: all that the deed needs. */
export interface Act {
  readonly jobId: string | null;
  readonly runId: string | null;
  readonly nodes: readonly string[];
  readonly change: Change;
  /** Of exclude-node: seconds until the node may be used again. */
  readonly seconds: number;
  /** Of clear-nccl-shm: seconds a file must not have been touched; of prune-checkpoints: how many stay. */
  readonly limit: number;
}

/** What it touches, for whoever has to say yes. */
export interface Blast {
  readonly jobs: readonly string[];
  readonly nodes: readonly string[];
  readonly files: number | null;
  /** GPU-hours of queue place or of work that may be lost; null when not known. */
  readonly gpuHours: number | null;
  readonly text: string;
}

/** The state that a step was planned on: an act on another state is an answer to an old question. */
export interface Expected {
  /** How often Slurm had restarted the job; null where the step does not depend on it. */
  readonly restarts: number | null;
  readonly phases: readonly string[];
}

export interface Step {
  /** The same for the same act on the same attempt of the same run for the same cause. */
  readonly id: string;
  readonly action: ActionName;
  readonly act: Act;
  /** Exactly what is run, as words; what the journal holds. */
  readonly command: readonly string[];
  /** What a person types to have exactly this done, as words; shown quoted for a shell. */
  readonly typed: readonly string[];
  readonly reason: string;
  readonly blast: Blast;
  /** The command that takes it back, or null when nothing does. */
  readonly undo: string | null;
  readonly level: Level;
  readonly expects: Expected;
}

/** What was not planned, and the rail or fact that forbids it. */
export interface Refusal {
  readonly action: ActionName | string;
  readonly rail: string;
  readonly why: string;
}

/** Something for a person to do. */
export interface Advice {
  readonly id: string;
  readonly level: string;
  readonly command: string;
  readonly summary: string;
}

export interface Plan {
  readonly runId: string | null;
  readonly jobId: string | null;
  readonly fault: string | null;
  /** Up to here a step may be carried out without a person. */
  readonly level: Level;
  /** Slurm does not say what became of the job: then there is no step. */
  readonly blind: boolean;
  readonly steps: readonly Step[];
  readonly refused: readonly Refusal[];
  readonly advice: readonly Advice[];
  /** The budget is used up. `first` once for each run and cause: then it is said loudly. */
  readonly exhausted: { readonly restarts: number; readonly first: boolean } | null;
  /** What the plan rests on, for the journal. */
  readonly evidence: readonly string[];
  readonly confidence: number;
  /** Step of the newest checkpoint when the plan was made. */
  readonly newestStep: number | null;
}

export type Diagnosed = Pick<Diagnosis, 'status' | 'causes'>;

export const NO_CHANGE: Change = { set: {}, beforeStep: null };

export function isChanged({ set, beforeStep }: Change): boolean {
  return Object.keys(set).length > 0 || beforeStep !== null;
}
