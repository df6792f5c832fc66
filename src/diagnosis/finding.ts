import type { Signature } from '../runbook/schema.ts';
import type { Legibility } from './legibility.ts';
import type { RankWork } from './suspect.ts';

/** One quoted line. */
export interface Evidence {
  /** As it was named; null for what Slurm says of the job. */
  readonly file: string | null;
  /** From 1; null where the source has no lines. */
  readonly line: number | null;
  readonly text: string;
  readonly rank: number | null;
  readonly node: string | null;
  readonly role: Signature['role'];
}

/** What one signature found in one source: its latest episode. */
export interface Finding {
  readonly fault: string;
  readonly signature: Signature;
  /** Which start of the job it belongs to, from 0; null where the log does not tell. */
  readonly attempt: number | null;
  /** Where it stands among all lines read: the source's index, then the line. */
  readonly at: readonly [source: number, line: number];
  /** Lines that said it in this episode. */
  readonly count: number;
  /** The run moved on behind its last line. */
  readonly survived: boolean;
  readonly evidence: readonly Evidence[];
}

/** One source read to its end. */
export interface SourceReading {
  readonly name: string;
  /** Which start of the job its end is of, from 0; null where it may be of any. */
  readonly attempt: number | null;
  /** How far each rank came, where the log says it. */
  readonly work: readonly RankWork[];
  readonly findings: readonly Finding[];
  readonly lines: number;
  readonly bytes: number;
  readonly legibility: Legibility;
  /** Why it could not be read, or not to its end, or says nothing. */
  readonly problem: string | null;
}
