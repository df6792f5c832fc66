/** Every line that attemptStarted means holds it: it is looked for in the whole log. */
export const ATTEMPT_LITERAL = ' of job ';

const STARTED = /^attempt (\d{1,6}) of job \d+ on /;

/**
 * Our batch script says so when it starts (templates/partials/rendezvous.hbs), and appends to one log. Slurm itself marks
 * no start.
 */
export function attemptStarted(text: string): number | undefined {
  const match = STARTED.exec(text);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** A run keeps the logs of each attempt in a directory of that name. */
export function attemptOfPath(path: string): number | null {
  const match = /(?:^|\/)attempt-(\d{1,6})\/[^/]+$/.exec(path);
  return match?.[1] === undefined ? null : Number(match[1]);
}
