import type { Act, ActionName, Level } from './step.ts';

/** What was seen of the things that an act changes, as plain data: before it, and after. */
export interface Seen {
  /** Null: Slurm knows no such job. Absent: not looked at. */
  readonly job?: {
    readonly phase: string;
    readonly word: string;
    readonly restarts: number;
    readonly reason: string | null;
    readonly user: string;
    readonly excluded: readonly string[];
    /** More than one: an array or a heterogeneous job, of which the bare id means all. */
    readonly parts: number;
    readonly startTime: number | null;
  } | null;
  readonly nodes?: Readonly<Record<string, { readonly state: string; readonly reason: string | null }>>;
  /** Names of files or directories that are there. */
  readonly files?: readonly string[];
  /** Those of them that must stay, each with the reason. */
  readonly kept?: readonly string[];
  /** The run's job, and those before it. */
  readonly run?: {
    readonly jobId: string | null;
    readonly state: string;
    readonly earlier: readonly string[];
  };
  /** Nodes that are excluded, with the moment (ISO 8601) until which. */
  readonly exclusions?: Readonly<Record<string, string>>;
}

/** `unknown`: what became of it cannot be seen yet. Only then the next start looks again. */
export type Result = 'done' | 'not-done' | 'unknown';

export interface Outcome {
  readonly at: string;
  readonly result: Result;
  /** What the program said, or why it is believed: one line. */
  readonly said: string;
  readonly after: Seen | null;
}

/** One act: written before it is done, with `outcome` null, and again after. */
export interface ActEntry {
  readonly version: 1;
  readonly kind: 'act';
  /** The step's. */
  readonly id: string;
  readonly at: string;
  readonly by: string;
  readonly host: string;
  readonly pid: number;
  /** A person said yes to it. */
  readonly attended: boolean;
  readonly runId: string | null;
  readonly jobId: string | null;
  readonly fault: string | null;
  readonly level: Level;
  readonly action: ActionName;
  readonly act: Act;
  readonly command: readonly string[];
  readonly reason: string;
  readonly evidence: readonly string[];
  readonly checkpointStep: number | null;
  readonly before: Seen;
  readonly outcome: Outcome | null;
}

/** Something that is said once: the budget of a run and cause is used up, or the breaker has opened or was closed. */
export interface NoteEntry {
  readonly version: 1;
  readonly kind: 'exhausted' | 'breaker-open' | 'breaker-closed';
  readonly id: string;
  readonly at: string;
  readonly by: string;
  readonly runId: string | null;
  readonly fault: string | null;
  readonly reason: string;
}

export type Entry = ActEntry | NoteEntry;

export function isAct(entry: Entry): entry is ActEntry {
  return entry.kind === 'act';
}

/** Nobody knows yet what became of it. */
export function isOpen(entry: ActEntry): boolean {
  return entry.outcome === null || entry.outcome.result === 'unknown';
}
