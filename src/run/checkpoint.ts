import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface Checkpoint {
  readonly path: string;
  readonly step: number;
  /** ISO 8601, UTC. */
  readonly modifiedAt: string;
}

/** HF Trainer 5 leaves this in a checkpoint that is being written; others rename a `.tmp` at the end. */
const UNFINISHED_MARK = 'checkpoint-is-incomplete.txt';
/** `checkpoint-100`, `global_step100`, `iter_0000100`, `final_300`, `bestppl_250`. */
const NAME = /^(?:checkpoint-|global_step_?|iter_|step_|norm_|bestppl_|final_)(\d+)$/;

/** The newest checkpoint of a run that is not visibly unfinished, or null when none can be seen. Looks at names and times only. */
export async function newestCheckpoint(outputDir: string): Promise<Checkpoint | null> {
  const directory = join(outputDir, 'checkpoints');
  const names = await readdir(directory).catch(() => []);
  const found = await Promise.all(names.map((name) => look(directory, name)));
  const byTime = found
    .flatMap((checkpoint) => checkpoint ?? [])
    .sort((one, other) => other.modifiedAt.localeCompare(one.modifiedAt) || other.step - one.step);
  return byTime[0] ?? null;
}

async function look(directory: string, name: string): Promise<Checkpoint | undefined> {
  const step = NAME.exec(name)?.[1];
  if (step === undefined) return undefined;
  const path = join(directory, name);
  try {
    if ((await readdir(path)).includes(UNFINISHED_MARK)) return undefined;
    return { path, step: Number(step), modifiedAt: (await stat(path)).mtime.toISOString() };
  } catch {
    // Taken away meanwhile by the trainer's own retention, or another's to read.
    return undefined;
  }
}
