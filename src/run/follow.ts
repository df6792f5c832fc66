import { setTimeout as sleep } from 'node:timers/promises';
import type { LogFile } from './log-files.ts';
import type { Knowledge } from './state.ts';
import { lastLines, type Tail } from './tail.ts';

export interface FollowOptions {
  /** The files to follow, asked for again at every turn: a requeued job's next attempt brings new ones. */
  readonly files: () => Promise<readonly LogFile[]>;
  /** What is known of the job now. */
  readonly knowledge: () => Promise<Knowledge>;
  /** Changes when the job itself recorded a beginning or an end: then Slurm is asked at once. */
  readonly record: () => Promise<string>;
  readonly emit: (line: string, file: LogFile) => void;
  /** A sentence about the following itself. */
  readonly note: (text: string) => void;
  /** Lines of what is already there. */
  readonly lines: number;
  readonly signal: AbortSignal;
  readonly pace?: Pace;
}

/** Milliseconds between two looks at the files, and between two questions to Slurm: at first, and at most. */
export interface Pace {
  readonly look: number;
  readonly ask: number;
  readonly askAtMost: number;
}

const PACE: Pace = { look: 500, ask: 3_000, askAtMost: 20_000 };
/** Answers in which Slurm knows nothing of the job before that is taken for its end: sacct lags by seconds. */
const ENOUGH_UNKNOWN = 3;

/**
 * Follows a run's logs until its job has ended or the signal comes. Pending, requeued and silent jobs are waited
 * for; a Slurm that does not answer ends nothing and delays nothing.
 * @returns what is known of the job at the end, or undefined when the signal ended it.
 */
export async function follow(options: FollowOptions): Promise<Knowledge | undefined> {
  const { signal, note } = options;
  const pace = options.pace ?? PACE;
  const tails = new Tails(options);
  const ask = questions(options, pace);
  let said = '';
  let unknown = 0;
  for (let first = true; !signal.aborted; first = false) {
    await tails.open(first);
    await tails.pump();
    const known = ask(await options.record());
    if (known !== undefined) {
      const words = describe(known, tails.any);
      // That a job runs is said only after it has waited: the log shows it.
      if (words !== said && !(said === '' && known.state.phase === 'running')) note(words);
      said = words;
      unknown = known.answered && known.state.phase === 'unknown' ? unknown + 1 : 0;
      if (known.state.phase === 'ended' || unknown === ENOUGH_UNKNOWN) {
        // A job's last lines may reach a network file system after Slurm has said that it ended.
        await sleep(pace.look);
        await tails.open(false);
        await tails.finish();
        return known;
      }
    }
    await sleep(pace.look, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

/** The files that are followed. */
class Tails {
  readonly #options: FollowOptions;
  readonly #tails = new Map<string, { file: LogFile; tail: Tail }>();
  #attempt: number | undefined;

  constructor(options: FollowOptions) {
    this.#options = options;
  }

  get any(): boolean {
    return this.#tails.size > 0;
  }

  /** Takes up files that have come; what is in a file that comes later is all new. */
  async open(first: boolean): Promise<void> {
    const { files, lines, emit, note } = this.#options;
    for (const file of await files()) {
      if (this.#tails.has(file.path)) continue;
      if (file.attempt !== undefined) {
        if (this.#attempt !== undefined && file.attempt > this.#attempt)
          note(`attempt ${file.attempt} begins`);
        this.#attempt = Math.max(this.#attempt ?? 0, file.attempt);
      }
      const start = await lastLines(file.path, first ? lines : Number.POSITIVE_INFINITY, file.keep);
      for (const line of start.lines) emit(line, file);
      this.#tails.set(file.path, { file, tail: start.tail });
    }
  }

  /** Hands over what is new. */
  async pump(): Promise<boolean> {
    let grown = false;
    for (const { file, tail } of this.#tails.values()) {
      const growth = await tail.read();
      if (growth.restarted)
        this.#options.note(`${file.path} was replaced or cut off; it is read from its start`);
      this.#emit([...growth.lines, ...tail.bar()], file);
      grown ||= growth.state === 'grown';
    }
    return grown;
  }

  async finish(): Promise<void> {
    while (await this.pump());
    for (const { file, tail } of this.#tails.values()) this.#emit(tail.rest(), file);
  }

  #emit(lines: readonly string[], file: LogFile): void {
    for (const line of lines) if (file.keep(line)) this.#options.emit(line, file);
  }
}

/**
 * Asks for the job's state when it is time, or when the job has recorded something, but never waits: an answer is
 * handed over by the first call after it came.
 */
function questions({ knowledge }: FollowOptions, pace: Pace): (record: string) => Knowledge | undefined {
  let answer: { known: Knowledge } | { error: unknown } | undefined;
  let asking = false;
  let askAt = 0;
  let delay = pace.ask;
  let recorded = '';
  let word = '';
  return (record) => {
    const arrived = answer;
    answer = undefined;
    if (arrived && 'error' in arrived) throw arrived.error;
    if (arrived) {
      delay = arrived.known.state.word === word ? Math.min(delay * 1.5, pace.askAtMost) : pace.ask;
      word = arrived.known.state.word;
      askAt = Date.now() + delay;
    }
    if (!asking && !arrived && (record !== recorded || Date.now() >= askAt)) {
      recorded = record;
      asking = true;
      knowledge()
        .then(
          (known) => ({ known }),
          (error: unknown) => ({ error }),
        )
        .then((settled) => {
          answer = settled;
          asking = false;
        });
    }
    return arrived?.known;
  };
}

function describe({ state, job, notes, answered }: Knowledge, hasFiles: boolean): string {
  const id = job === undefined ? 'the job' : `job ${job.jobId}`;
  const reason = job?.reason ? ` (${job.reason})` : '';
  if (state.phase === 'pending')
    return `${id} is ${state.word}${reason}; waiting for ${hasFiles ? 'more' : 'its log'}`;
  if (state.phase !== 'unknown') return `${id} is ${state.word}${reason}`;
  return answered
    ? (notes.at(-1) ?? 'Slurm knows nothing of the job')
    : 'Slurm does not answer; still following';
}
