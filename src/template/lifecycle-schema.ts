import * as z from 'zod/mini';

/** A word that stands in a script as it is: a file's name or glob, a flag, a variable. */
const word = z.string().check(z.regex(/^[A-Za-z0-9_.*?=-]+$/));
const seconds = z.number().check(z.minimum(0));

/**
 * How a trainer is told to stop and how it goes on: one row of the table that templates, scripts and `opsctl
 * trainers` share. A trainer has one row for each program, and each version of it, that behaves in its own way.
 */
export const lifecycleSchema = z.strictObject({
  /** The phases, or the stages of rlhf, that the row is for. Without it: all that no other row names. */
  phases: z.optional(z.array(z.string())),
  /** Program and version that this was read from: `transformers 4.30`, `Megatron-LM core_r0.12`. */
  version: z.string(),
  /**
   * A flag of the program that all of this depends on: of another version the row holds where its list has the flag, and else the next
   * row does. Without it the row holds for every version.
   */
  needs: z.optional(word),
  /**
   * What Slurm sends before the time limit.
   * - `steps`: to every process of the step, because the trainer then writes a checkpoint. TERM, unless the launcher
   *   is known to pass another one on: torchrun's agent dies of USR1.
   * - `batch`: to the batch shell alone (`--signal=B:`), because the trainer knows no signal. The shell ends the step,
   *   and what counts is the newest checkpoint that was written on schedule.
   * `lead` is how many seconds before the limit; Slurm may be up to 60 s early.
   */
  signal: z.strictObject({
    name: z.enum(['TERM', 'USR1', 'USR2', 'INT', 'HUP']),
    to: z.enum(['steps', 'batch']),
    lead: seconds,
  }),
  /**
   * How long the launcher lets its workers write after it has passed the signal on, in seconds: torchrun kills them after
   * 30 unless told otherwise. `by` is the flag or variable that sets it, or `fixed`. Less than the lead.
   */
  shutdown: z.optional(z.strictObject({ seconds, by: z.union([z.literal('fixed'), word]) })),
  /**
   * - `itself`: it finds its newest checkpoint in its output directory. `flag`: the template hands it `$RESUME_FROM`, the newest
   *   complete one, with `flag`. `never`: it would begin at step 0, so it is never requeued.
   * `why` is a sentence, shown where somebody asks for a requeue and in the script.
   */
  resume: z.strictObject({
    by: z.enum(['itself', 'flag', 'never']),
    flag: z.optional(word),
    why: z.string(),
  }),
  /** What a checkpoint looks like below `$RUN_DIR/checkpoints`; absent only where it never resumes. */
  checkpoint: z.optional(
    z.strictObject({
      /** Where they lie, below that directory: `_actor` for OpenRLHF. */
      directory: z.optional(word),
      /** The name before the number of the step: `checkpoint-`, `iter_`, `global_step_`. */
      name: word,
      /** Files (or globs) without which it is not complete, because they are written last. */
      complete: z.optional(z.array(word)),
      /** Files that only an unfinished one holds. */
      unfinished: z.optional(z.array(word)),
      /** A file beside the checkpoints whose number is the newest complete step: Megatron's and verl's
       * `latest_checkpointed_iteration.txt`, DeepSpeed's `latest`. */
      tracker: z.optional(word),
      /** A file of the checkpoint with `"global_step"` and `"max_steps"` as JSON, which tells that the training has reached its end: HF's trainer_state.json. */
      state: z.optional(word),
    }),
  ),
});

export type Lifecycle = z.infer<typeof lifecycleSchema>;

/** What is wrong with a row that has the right shape: sentences. */
export function lifecycleProblems(row: Lifecycle): string[] {
  const { signal, shutdown, resume, checkpoint } = row;
  return [
    ...(shutdown && shutdown.seconds >= signal.lead
      ? [
          `the launcher waits ${shutdown.seconds} s, and the signal comes only ${signal.lead} s before the end`,
        ]
      : []),
    ...((resume.by === 'flag') === (resume.flag === undefined)
      ? ['"resume.flag" belongs to "by: flag", and to nothing else']
      : []),
    ...(resume.by !== 'never' && checkpoint === undefined
      ? ['what resumes needs "checkpoint": what a complete one looks like']
      : []),
  ];
}
