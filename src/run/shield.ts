import { EXIT, OpsError } from '../errors.ts';
import { write } from '../terminal/output.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Work that has to clean up after itself. A first signal does not end the process: the work asks at its next safe point
 * whether one came, and ends itself. It is to be short, or to wait only for what has a time limit; a second signal ends all.
 * @param work `refuseIfTold` throws once a signal has come.
 */
export async function orderly<T>(work: (refuseIfTold: () => void) => Promise<T>): Promise<T> {
  let told = false;
  const listener = () => {
    told = true;
    write(2, 'stopping, and taking back what was written (once more ends opsctl at once)\n');
    unheard();
  };
  const unheard = () => {
    for (const signal of SIGNALS) process.off(signal, listener);
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  try {
    return await work(() => {
      if (told)
        throw new OpsError(
          'interrupted before Slurm was asked: nothing was submitted, and nothing is left behind',
          {
            exitCode: EXIT.cancelled,
          },
        );
    });
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
