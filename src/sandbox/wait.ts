import { setTimeout as sleep } from 'node:timers/promises';

const INTERVAL_MS = 25;

/** Asks again and again until the answer is not undefined; undefined once the limit (milliseconds) is over. */
export async function poll<T>(limitMs: number, ask: () => Promise<T | undefined>): Promise<T | undefined> {
  const end = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined || performance.now() >= end) return answer;
    await sleep(INTERVAL_MS);
  }
}
