import { join } from 'node:path';
import { readIfThere, writeAtomic } from '../system/files.ts';
import type { System } from '../system/system.ts';
import { readSign } from '../watch/memory.ts';
import type { Scheduler } from './entry.ts';

/** What was installed last, and on which machine: a crontab belongs to one of them. */
export interface InstallRecord {
  readonly scheduler: Scheduler;
  /** Minutes from one look to the next. */
  readonly every: number;
  readonly host: string;
  /** ISO 8601. */
  readonly at: string;
}

export function recordPath(home: string): string {
  return join(home, 'cron', 'installed.json');
}

export async function writeRecord(home: string, record: InstallRecord): Promise<void> {
  await writeAtomic(recordPath(home), `${JSON.stringify(record)}\n`);
}

/** Undefined when nothing was installed, and when the file is not what `install` writes: the schedulers know better. */
export async function readRecord(home: string): Promise<InstallRecord | undefined> {
  return readSigned<InstallRecord>(recordPath(home));
}

/** When the watcher last saw something, in milliseconds since 1970. */
export async function lastLook(system: Pick<System, 'env'>): Promise<number | undefined> {
  const sign = await readSign(system);
  return sign === undefined ? undefined : Date.parse(sign.at);
}

/** The sign of life that `notify.heartbeat` asks for, when there is one. */
export async function readHeartbeat(path: string): Promise<number | undefined> {
  const sign = await readSigned<{ readonly at: string }>(path);
  return sign === undefined ? undefined : Date.parse(sign.at);
}

/** A small file with an `at`; undefined for anything else. */
async function readSigned<T extends { readonly at: string }>(path: string): Promise<T | undefined> {
  try {
    const value = JSON.parse((await readIfThere(path)) ?? 'null') as T | null;
    return value !== null && Number.isFinite(Date.parse(value.at)) ? value : undefined;
  } catch {
    return undefined;
  }
}
