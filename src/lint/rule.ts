import type { Script } from '../shell/script.ts';
import type { Knowledge } from '../trainer/check.ts';

export type Severity = 'error' | 'warning' | 'info';

/** Replaces the characters from `at` up to `end` of the file. */
export interface Edit {
  readonly at: number;
  readonly end: number;
  readonly text: string;
}

/** What a rule has to say about one place. */
export interface Report {
  /** Offset in the text. */
  readonly at: number;
  readonly message: string;
  /** What to write instead: can be pasted. */
  readonly fix: string;
  /** Where it is not the rule's own: a rule that cannot be sure says info. */
  readonly severity?: Severity;
  /** Only where the script then does the same in all other respects. */
  readonly edit?: Edit;
}

/** What is known beside the script: of the cluster, where there is a profile, and of the trainers. */
export interface Site {
  /** Longest time of a job in seconds, by partition; `Infinity` where there is no limit. */
  readonly partitions: ReadonlyMap<string, number>;
  /** `22.05`, or undefined. */
  readonly slurmVersion: string | undefined;
  /** The flags of trainers and launchers, by version. */
  readonly trainers: Knowledge;
  /** Versions that whoever asks has named, by program: `trl-sft` to `1.10.0`. */
  readonly trainerVersions: ReadonlyMap<string, string>;
}

export interface Rule {
  readonly id: string;
  readonly severity: Severity;
  /** What it finds, in one line. */
  readonly summary: string;
  /** `batch`: only in files with #SBATCH lines; `any`: in plain launch scripts as well. */
  readonly applies: 'batch' | 'any';
  /** Decides: no effects, does not throw. */
  readonly check: (script: Script, site: Site) => readonly Report[];
}

/** A report with its place, as the contract of `lint --json` has it. */
export interface Finding {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly rule: string;
  readonly severity: Severity;
  readonly message: string;
  readonly fix: string;
}
