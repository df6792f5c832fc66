import { EXIT, OpsError } from '../errors.ts';
import { write } from '../terminal/output.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What orderly work does with signals, from its beginning to the point of no return. */
export interface Turn {
  /** Throws once a signal has come. */
  readonly refuseIfTold: () => void;
  /**
   * The point of no return, and the last that throws: from here on the work cannot be taken back, and a signal that comes is
   * answered behind it.
   * @param words what is told then, as a sentence.
   */
  readonly commit: (words: string) => void;
}

/**
 * Work that has to clean up after itself. A first signal does not end the process: the work asks at its next safe point
 * whether one came, and ends itself. It is to be short, or to wait only for what has a time limit; a second signal ends all.
 */
export async function orderly<T>(work: (turn: Turn) => Promise<T>): Promise<T> {
  let told = false;
  let toldLate = false;
  let behind: string | undefined;
  const listener = () => {
    if (behind !== undefined) {
      toldLate = true;
      return;
    }
    told = true;
    write(2, 'stopping, and taking back what was written (once more ends opsctl at once)\n');
    unheard();
  };
  const unheard = () => {
    for (const signal of SIGNALS) process.off(signal, listener);
  };
  const refuseIfTold = () => {
    if (told)
      throw new OpsError(
        'interrupted before Slurm was asked: nothing was submitted, and nothing is left behind',
        {
          exitCode: EXIT.cancelled,
        },
      );
  };
  const commit = (words: string) => {
    refuseIfTold();
    behind = words;
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  try {
    const result = await work({ refuseIfTold, commit });
    if (toldLate) write(2, `${behind}\n`);
    return result;
  } finally {
    unheard();
  }
}

/**
 * Waits for an answer that must not be lost. A first Ctrl-C (or a terminal that goes away) is answered with words and the
 * wait goes on, because whoever is asked does not hear it; a second one gives up.
 * @param words what is being waited for, as a sentence.
 * @param givenUp what is thrown then.
 */
export async function shielded<T>(work: Promise<T>, words: string, givenUp: () => Error): Promise<T> {
  let signals = 0;
  let stop: (error: Error) => void = () => undefined;
  const stopped = new Promise<never>((_, reject) => {
    stop = reject;
  });
  const listener = () => {
    signals += 1;
    if (signals === 1) write(2, `${words}\n`);
    else stop(givenUp());
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  try {
    return await Promise.race([work, stopped]);
  } finally {
    for (const signal of SIGNALS) process.off(signal, listener);
  }
}
