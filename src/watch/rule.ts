import type { Alert, Evidence, Severity } from '../alert/alert.ts';
import { alertId } from '../alert/alert.ts';
import type { WatchConfig } from '../config/watch-schema.ts';
import type { SlurmJob } from '../slurm/job.ts';
import type { Look } from './look.ts';
import type { RunMemory } from './memory.ts';
import type { Places } from './places.ts';

/** A run that may still move, or whose end is not settled, as one look sees it. */
export interface Watched {
  readonly runId: string;
  /** With what this look found already taken in. */
  readonly memory: RunMemory;
  /** What the controller says of its newest job; undefined when it knows none. */
  readonly job: SlurmJob | undefined;
  /** Its log could be read at this look; what was learned before says nothing about now. */
  readonly isRead: boolean;
}

/** All that one look saw: what every rule is given. */
export interface Scene {
  readonly now: Date;
  readonly look: Look;
  readonly runs: readonly Watched[];
  /** Undefined where nobody has looked. */
  readonly places: Places | undefined;
  readonly config: WatchConfig;
}

/** One thing that may be wrong: says what it can raise, whether it could see, and what it saw. Pure. */
export interface Rule {
  /** Ids of the faults that it can raise. */
  readonly faults: readonly string[];
  readonly couldSee: (scene: Scene) => boolean;
  readonly judge: (scene: Scene) => Alert[];
}

interface Draft {
  readonly fault: string;
  /** What the alert is about: a run's id, `node n042`, `/data`. Same fault and target, same alert. */
  readonly target: string;
  readonly severity: Severity;
  readonly summary: string;
  readonly runs?: readonly string[];
  readonly nodes?: readonly string[];
  /** Milliseconds since 1970; the moment of the look where it is not known. */
  readonly since?: number;
  readonly evidence?: readonly Evidence[];
  readonly command?: string | null;
}

export function alertOf(scene: Pick<Scene, 'now'>, draft: Draft): Alert {
  const { fault, target, severity, summary } = draft;
  return {
    id: alertId(fault, target),
    fault,
    severity,
    summary,
    runs: draft.runs ?? [],
    nodes: draft.nodes ?? [],
    since: new Date(draft.since ?? scene.now.getTime()).toISOString(),
    evidence: draft.evidence ?? [],
    command: draft.command ?? null,
  };
}

/** A line of evidence that is in no file. */
export function said(text: string): Evidence {
  return { file: null, line: null, text };
}

/** The runs that run now. */
export function running(scene: Scene): Watched[] {
  return scene.runs.filter(({ job }) => job?.state.phase === 'running');
}
