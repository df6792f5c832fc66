/** nohup's first words, which it appends to the log of the run before. */
const NOHUP = ['nohup: ignoring input', 'nohup: 忽略输入'];
/** Every line that attemptStarted or startedAnew means holds one of them: they are looked for in the whole log. */
export const ATTEMPT_LITERALS: readonly string[] = [' of job ', ...NOHUP];

const STARTED = /^attempt (\d{1,6}) of job \d+ on /;

/**
 * Our batch script says so when it starts (templates/partials/rendezvous.hbs), and appends to one log. Slurm itself marks
 * no start.
 */
export function attemptStarted(text: string): number | undefined {
  const match = STARTED.exec(text);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** Another run writes on in the same log, and says nothing of how many there were. */
export function startedAnew(text: string): boolean {
  return NOHUP.some((words) => text.startsWith(words));
}

/** A run keeps the logs of each attempt in a directory of that name. */
export function attemptOfPath(path: string): number | null {
  const match = /(?:^|\/)attempt-(\d{1,6})\/[^/]+$/.exec(path);
  return match?.[1] === undefined ? null : Number(match[1]);
}
