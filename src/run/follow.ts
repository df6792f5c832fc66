import { setTimeout as sleep } from 'node:timers/promises';
import type { LogFile } from './log-files.ts';
import type { Knowledge } from './state.ts';
import { lastLines, type Tail } from './tail.ts';

export interface FollowOptions {
  /** The files to follow, asked for again at every turn: a requeued job's next attempt brings new ones. */
  readonly files: () => Promise<readonly LogFile[]>;
  /** What is known of the job now. Never throws for what Slurm does. */
  readonly knowledge: () => Promise<Knowledge>;
  /** Changes when the job itself recorded a beginning or an end: then Slurm is asked at once. */
  readonly record: () => Promise<string>;
  readonly emit: (line: string, file: LogFile) => void;
  /** A sentence about the following itself. */
  readonly note: (text: string) => void;
  /** Lines of what is already there. */
  readonly lines: number;
  readonly signal: AbortSignal;
  /** Milliseconds between two looks at the files, and between two questions to Slurm, which grow to the last. */
  readonly pace?: { readonly look: number; readonly ask: number; readonly askAtMost: number };
}

const PACE = { look: 500, ask: 3_000, askAtMost: 20_000 };
/** Answers in which Slurm knows nothing of the job before that is taken for its end: sacct lags by seconds. */
const ENOUGH_UNKNOWN = 3;

/**
 * Follows a run's logs until its job has ended or the signal comes. Pending, requeued and silent jobs are waited
 * for; a Slurm that does not answer ends nothing.
 * @returns what is known of the job at the end, or undefined when the signal ended it.
 */
export async function follow(options: FollowOptions): Promise<Knowledge | undefined> {
  const pace = options.pace ?? PACE;
  const tails = new Map<string, { file: LogFile; tail: Tail }>();
  let record = '';
  let askDelay = pace.ask;
  let askAt = 0;
  let unknown = 0;
  let last = '';
  let attempt: number | undefined;

  for (let first = true; !options.signal.aborted; first = false) {
    for (const file of await options.files()) {
      if (tails.has(file.path)) continue;
      if (attempt !== undefined && file.attempt !== undefined && file.attempt > attempt) {
        options.note(`attempt ${file.attempt} begins: ${file.path}`);
      }
      attempt = Math.max(attempt ?? 0, file.attempt ?? 0);
      tails.set(file.path, {
        file,
        tail: await begin(file, first ? options.lines : Number.POSITIVE_INFINITY, options),
      });
    }
    for (const { file, tail } of tails.values()) await pump(file, tail, options);

    const recordNow = await options.record();
    if (recordNow !== record || Date.now() >= askAt) {
      record = recordNow;
      const known = await options.knowledge();
      const words = describe(known, tails.size > 0);
      if (words !== last && (!first || known.state.phase !== 'running')) options.note(words);
      askDelay = words === last ? Math.min(askDelay * 1.5, pace.askAtMost) : pace.ask;
      last = words;
      askAt = Date.now() + askDelay;
      unknown = known.state.phase === 'unknown' && known.answered ? unknown + 1 : 0;
      if (known.state.phase === 'ended' || unknown >= ENOUGH_UNKNOWN) {
        await finish(tails.values(), options);
        return known;
      }
    }
    await sleep(pace.look, undefined, { signal: options.signal }).catch(() => undefined);
  }
  return undefined;
}

async function begin(file: LogFile, lines: number, { emit }: FollowOptions): Promise<Tail> {
  const start = await lastLines(file.path, lines, file.keep);
  for (const line of start.lines) emit(line, file);
  return start.tail;
}

async function pump(file: LogFile, tail: Tail, { emit, note }: FollowOptions): Promise<boolean> {
  const growth = await tail.read();
  if (growth.restarted) note(`${file.path} was replaced or cut off; it is read from its start`);
  for (const line of [...growth.lines, ...tail.bar()]) if (file.keep(line)) emit(line, file);
  return growth.state === 'grown';
}

/** A job's last lines may reach a network file system after Slurm has said that it ended. */
async function finish(tails: Iterable<{ file: LogFile; tail: Tail }>, options: FollowOptions): Promise<void> {
  await sleep(options.pace?.look ?? PACE.look);
  for (const { file, tail } of tails) {
    while (await pump(file, tail, options));
    for (const line of tail.rest()) if (file.keep(line)) options.emit(line, file);
  }
}

function describe({ state, job, notes, answered }: Knowledge, hasFiles: boolean): string {
  const id = job === undefined ? 'the job' : `job ${job.jobId}`;
  const reason = job?.reason ? ` (${job.reason})` : '';
  if (!answered) return 'Slurm does not answer; still following the log';
  if (state.phase === 'unknown') return notes.at(-1) ?? 'Slurm knows nothing of the job';
  if (state.phase === 'pending')
    return `${id} is ${state.word}${reason}; waiting for ${hasFiles ? 'more' : 'its log'}`;
  return `${id} is ${state.word}${reason}`;
}
