import type { Sandbox } from '../sandbox/sandbox.ts';
import type { System } from '../system/system.ts';

/** A fault that is done to a real training in the sandbox. A new drill is one entry of the table in `drills.ts`. */
export interface Drill {
  readonly name: string;
  /** Rows of the fault table that it plays. */
  readonly rows: readonly number[];
  /** What it does, as `opsctl drill --help` says it. */
  readonly summary: string;
  /** Parameters of the run that is disturbed, beside those of every drill. */
  readonly parameters: Readonly<Record<string, string | number>>;
  /** `stopped`: the run rightly ends there, because starting it again would not help. */
  readonly ends: 'finished' | 'stopped';
  /** Done before the run is submitted. */
  readonly before?: (stage: Stage) => Promise<void>;
  /** Does it, and returns when the last attempt is under way. Each line says what was done. */
  readonly disturb: (scene: Scene) => Promise<void>;
  /** Puts the sandbox in order for the next drill, however this one went. */
  readonly after?: (stage: Stage) => Promise<void>;
}

export interface Run {
  readonly runId: string;
  readonly jobId: string;
  readonly outputDir: string;
}

/** What happened when: seconds after the fault was done. */
export type Moment = 'noticed' | 'diagnosed' | 'running';

/** Where a drill acts, before there is a run. */
export interface Stage {
  /** Speaks to the sandbox's Slurm, with a state and a configuration of the drills' own. */
  readonly system: System;
  readonly sandbox: Sandbox;
  /** A directory of this drill's own, with `data` in it. */
  readonly directory: string;
  /** One line of what was done or seen. */
  readonly event: (line: string) => void;
  /** The fault is there: the clock runs. */
  readonly injected: () => void;
  readonly mark: (moment: Moment) => void;
}

/** The stage with one run to disturb. */
export interface Scene extends Stage {
  readonly run: Run;
}
