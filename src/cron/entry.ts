import { shellWord } from '../template/quote.ts';
import type { Block } from './block.ts';
import { scriptPath } from './watcher.ts';

/** What can start the watcher, best first: Slurm's own crontab does not depend on one login node. */
export const SCHEDULERS = ['scrontab', 'crontab', 'systemd'] as const;
export type Scheduler = (typeof SCHEDULERS)[number];

/** How often, in minutes: what divides an hour, so that the times are the same in every hour. */
export const EVERY = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60] as const;

/** When the watcher looks. */
export interface Rhythm {
  /** Minutes from one look to the next: one of EVERY. */
  readonly every: number;
  /** Of the user: everybody's watcher at the same minute would be a burst for the controller. */
  readonly uid: number;
}

export function minutesOf({ every, uid }: Rhythm): number[] {
  const first = uid % every;
  return Array.from({ length: 60 / every }, (_, index) => first + index * every);
}

export function crontabBlock(home: string, rhythm: Rhythm): Block {
  return { home, lines: [entryLine(home, rhythm)] };
}

/** @param options what the site asks for, such as `--qos=cron`: words of #SCRON lines. */
export function scrontabBlock(home: string, rhythm: Rhythm, options: readonly string[]): Block {
  const usual = ['--job-name=opsctl-watch', '--ntasks=1', '--time=00:10:00', '--output=/dev/null'];
  return {
    home,
    lines: [...[...usual, ...options].map((option) => `#SCRON ${option}`), entryLine(home, rhythm)],
  };
}

function entryLine(home: string, rhythm: Rhythm): string {
  const minutes = rhythm.every === 1 ? '*' : minutesOf(rhythm).join(',');
  return `${minutes} * * * * /bin/sh ${shellWord(scriptPath(home))}`;
}

/** The files of a systemd user timer, by name. 1 to 3 are the watcher's findings, not its failure. */
export function timerUnits(home: string, rhythm: Rhythm, unit: string): Record<string, string> {
  const minutes = minutesOf(rhythm).map((minute) => String(minute).padStart(2, '0'));
  return {
    [`${unit}.service`]: [
      '# Written by "opsctl cron install", taken away by "opsctl cron remove".',
      '[Unit]',
      'Description=One look of the opsctl watcher',
      '',
      '[Service]',
      'Type=oneshot',
      `ExecStart=/bin/sh "${scriptPath(home)}"`,
      'SuccessExitStatus=1 2 3',
      '',
    ].join('\n'),
    [`${unit}.timer`]: [
      '# Written by "opsctl cron install", taken away by "opsctl cron remove".',
      '[Unit]',
      `Description=The opsctl watcher, every ${rhythm.every} min`,
      '',
      '[Timer]',
      `OnCalendar=*-*-* *:${rhythm.every === 1 ? '*' : minutes.join(',')}:00`,
      '',
      '[Install]',
      'WantedBy=timers.target',
      '',
    ].join('\n'),
  };
}
