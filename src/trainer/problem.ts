/**
 * - `unknown`: the parser has no such flag; `renamed` and `removed`: it had one, or will have one
 * - `value`: of the wrong type, none of the choices, too many or too few
 * - `missing`: the program does not start without it
 * - `misplaced`: a word on its own that the parser refuses, or a flag of the launcher that stands with the trainer's
 */
export type ProblemKind = 'unknown' | 'renamed' | 'removed' | 'value' | 'missing' | 'misplaced';

/** One thing that the parser of a program would refuse. */
export interface FlagProblem {
  readonly program: string;
  readonly version: string;
  readonly kind: ProblemKind;
  /** The flag or key as it was typed; the word itself when it is misplaced. */
  readonly flag: string;
  /** A sentence without the program's name. */
  readonly message: string;
  /** What to write instead, ready to paste; null when nothing is near. */
  readonly suggestion: string | null;
  /** Where the word stands in the command line; null for what is missing. */
  readonly at: number | null;
}
