/** What a run prints while it moves: tqdm, Trainer, Megatron, DeepSpeed, Lightning, plain loops. */
const PROGRESS = [
  /\d{1,3}%\|[^|]{0,400}\| {0,2}[\d.]+[kMG]?\/[\d.?]+/,
  /\d(?:it|tok|tokens|samples|batches|steps|B|MB|kB|GB)\/s\b|\ds\/(?:it|step|batch|iter)/,
  /\b(?:iteration|iter|step|global_step|batch|epoch|update)s?\b[ :=#[]{1,12}\d+\]?\b.{0,300}\b\w{0,20}(?:loss|acc|ppl|lr|elapsed|time|grad|tps|tokens)\w{0,20}\b/i,
  /['"](?:loss|train_loss|eval_loss)['"]: {0,2}[-\d]/,
  /^srun: Step created for StepId=/,
  /\b(?:train|training|validation|eval|val)?[ _]?loss[ :=]{1,3}[-\d.]+.{0,80}\b(?:step|epoch|lr|iter)/i,
];
/** What it prints once when it is through. */
const FINISHED = [
  /['"]train_runtime['"]: |\*{3,} train metrics \*{3,}|^ {2}train_runtime +=/,
  /\b(?:Training|Fine-?tuning) (?:completed|complete|finished|done)\b|\bFinished training\b|\btraining is done\b/i,
  /`Trainer\.fit` stopped: `max_(?:epochs|steps)=\d+` reached/,
  /"key": "run_stop".{0,300}"status": "success"/,
  /\[after training is done\]/,
];

/** Stack frames, tables of a launcher's summary, chained exceptions: what an error is reported with. */
const REPORT =
  /^(?:\s|$|frame #|[-=*#+|^]{3}|Traceback|During handling|The above exception|Exception raised from|srun: )/;

/** Whether a line looks like a program that goes about its work. */
export function isOrdinary(text: string): boolean {
  return !REPORT.test(text);
}

export function isProgress(text: string): boolean {
  return PROGRESS.some((pattern) => pattern.test(text));
}

/** Texts of which every line that isFinished means holds one: they are looked for in the whole log. */
export const FINISH_LITERALS = [
  'train_runtime',
  '*** train metrics ***',
  'raining completed',
  'raining complete',
  'raining finished',
  'raining is done',
  'raining done',
  'tuning completed',
  'tuning complete',
  'tuning finished',
  'tuning done',
  'inished training',
  '`Trainer.fit` stopped',
  '"run_stop"',
];

export function isFinished(text: string): boolean {
  return FINISHED.some((pattern) => pattern.test(text));
}
