import type { Profile } from '../config/schema.ts';
import type { Exclusion } from '../run/exclusions.ts';
import type { Manifest } from '../run/manifest.ts';
import type { NodeState } from '../slurm/sinfo.ts';
import type { Entry } from './entry.ts';
import type { Job } from './job-now.ts';
import type { Actor } from './rails.ts';
import type { Diagnosed } from './step.ts';

/** All that a plan is made from. */
export interface PlanRequest {
  readonly diagnosis: Diagnosed;
  readonly run: Manifest | null;
  readonly job: Job;
  /** States of the newest attempt's nodes, and of those that a person named. */
  readonly nodes: readonly NodeState[];
  /** Other runs that show the same fault at this time, as far as somebody watches them. */
  readonly others?: readonly string[];
  /** Step of the newest checkpoint. */
  readonly newestStep: number | null;
  readonly profile: Pick<Profile, 'automation' | 'partitions' | 'data_root'>;
  readonly history: readonly Entry[];
  /** Those that hold now. */
  readonly exclusions: readonly Exclusion[];
  readonly actor: Actor;
  /** A person has named this run or job. */
  readonly isNamed: boolean;
  /** What a person wants done, whatever the runbook proposes. */
  readonly only?: readonly string[];
  /** Nodes and parameters that a person gave with it. */
  readonly onNodes?: readonly string[];
  readonly set?: Readonly<Record<string, string>>;
  /** A person wants it to go on from a checkpoint below this step. */
  readonly beforeStep?: number;
  /** When what was diagnosed was seen; null when it is of this moment. */
  readonly seenAt: Date | null;
  readonly now: Date;
}
