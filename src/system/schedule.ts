import { CronJob } from 'cron';

export interface Schedule {
  /** When it comes next. */
  readonly next: () => Date;
  readonly stop: () => void;
}

/**
 * The only door to cron. Does the work at every time that the pattern names (cron(8) with seconds in front), and never
 * twice at once: a time that comes while the work still runs is left out.
 * @param failed what to do with what the work throws: a schedule goes on.
 */
export function schedule(
  pattern: string,
  work: () => Promise<void>,
  failed: (error: unknown) => void,
): Schedule {
  const job = CronJob.from({
    cronTime: pattern,
    onTick: work,
    start: true,
    waitForCompletion: true,
    errorHandler: failed,
  });
  return {
    next: () => job.nextDate().toJSDate(),
    stop: () => void job.stop(),
  };
}
