import { write } from '../terminal/output.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

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
