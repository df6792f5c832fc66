import { unlink } from 'node:fs/promises';
import { type System, shortHostname, stateHome } from '../system/system.ts';
import { SCHEDULERS, type Scheduler } from './entry.ts';
import { isThere } from './keeper.ts';
import { KEEPERS } from './keepers.ts';
import { readRecord, recordPath } from './record.ts';
import { scriptPath } from './watcher.ts';

/** What `remove` did. */
export interface Removed {
  readonly from: readonly Scheduler[];
  /** Where it may still stand: what could not be read, and another machine's crontab. */
  readonly left: readonly string[];
}

/** Takes the watcher out of every scheduler that it stands in. What it said stays. */
export async function remove(system: System): Promise<Removed> {
  const home = stateHome(system.env);
  const record = await readRecord(home);
  const from: Scheduler[] = [];
  const left: string[] = [];
  for (const scheduler of SCHEDULERS) {
    const look = await KEEPERS[scheduler].look(system, home);
    if (isThere(look)) {
      if (await KEEPERS[scheduler].take(system, home)) from.push(scheduler);
    } else if (look.kind === 'unusable' && look.left === undefined && record?.scheduler === scheduler)
      left.push(`${scheduler}: ${look.why}`);
  }
  // Slurm's table is everywhere; the others belong to one machine.
  if (record && record.scheduler !== 'scrontab' && record.host !== shortHostname() && from.length === 0)
    left.push(`${record.scheduler} of ${record.host}: run "opsctl cron remove" there`);
  if (left.length === 0)
    for (const path of [recordPath(home), scriptPath(home)]) await unlink(path).catch(() => undefined);
  return { from, left };
}
