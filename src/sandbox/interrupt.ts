import { EXIT, OpsError } from '../errors.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs work that leaves something behind until it is complete. When it fails, or a signal asks opsctl to end,
 * `undo` is run first.
 */
export async function interruptible<T>(work: () => Promise<T>, undo: () => Promise<void>): Promise<T> {
  let stop: (error: OpsError) => void = () => undefined;
  const interrupted = new Promise<never>((_, reject) => {
    stop = reject;
  });
  const listeners = SIGNALS.map((signal) => {
    const listener = () => stop(new OpsError(`interrupted by ${signal}`, { exitCode: EXIT.cancelled }));
    process.on(signal, listener);
    return { signal, listener };
  });
  const working = work();
  try {
    return await Promise.race([working, interrupted]);
  } catch (error) {
    // The work may be between two steps: what it starts after this would be left behind.
    await undo();
    await working.catch(() => undefined);
    await undo();
    throw error;
  } finally {
    for (const { signal, listener } of listeners) process.off(signal, listener);
  }
}
