import { readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { digest } from '../alert/alert.ts';
import type { Message } from '../alert/message.ts';
import { OpsError } from '../errors.ts';
import { errorCode, fileError, readIfThere, writeAtomic } from '../system/files.ts';
import { openOwnDirectory } from '../system/own-directory.ts';
import type { Destination } from './send.ts';

/** One copy of a message that is still to be sent. */
export interface Entry extends Destination {
  readonly message: Message;
  /** Attempts so far, those among them that were cut off, and when the one under way began (null: none is). */
  readonly attempts: number;
  readonly interrupted: number;
  readonly startedAt: string | null;
  /** Not before this time; null: at once. */
  readonly nextAt: string | null;
  readonly lastDetail: string | null;
}

/** What became of a copy, kept for a while: it is not sent again when a crash brings its message back. */
export interface Done extends Destination {
  readonly id: string;
  readonly thread: string;
  readonly at: string;
  readonly status: 'sent' | 'dropped';
  readonly detail: string;
  readonly attempts: number;
  /** Somebody may have got it twice: an attempt was cut off before its end was known. */
  readonly interrupted: number;
  /** A dropped one of which the receiver has not been told yet. */
  readonly untold?: boolean;
}

/**
 * The outbox on disk, below `$OPSCTL_HOME/alerts/outbox`: `pending/` has a file for each copy that is to be sent, `done/`
 * one for each that was sent or given up. Every change is one whole file; the name follows from message and destination.
 */
export interface Outbox {
  readonly pending: string;
  readonly done: string;
}

export async function openOutbox(alerts: string): Promise<Outbox> {
  const directory = await openOwnDirectory(join(alerts, 'outbox'));
  const [pending, done] = [join(directory, 'pending'), join(directory, 'done')];
  await openOwnDirectory(pending);
  await openOwnDirectory(done);
  return { pending, done };
}

export function fileName({ receiver, address }: Destination, messageId: string): string {
  const suffix = address === null ? '' : `.${digest(address)}`;
  return `${messageId}.${receiver}${suffix}.json`;
}

/** Puts a copy into the outbox unless it is there or was sent already. */
export async function put(outbox: Outbox, destination: Destination, message: Message): Promise<boolean> {
  const name = fileName(destination, message.id);
  const isKnown = (await exists(join(outbox.done, name))) || (await exists(join(outbox.pending, name)));
  if (isKnown) return false;
  await save(outbox, {
    ...destination,
    message,
    attempts: 0,
    interrupted: 0,
    startedAt: null,
    nextAt: null,
    lastDetail: null,
  });
  return true;
}

export async function save(outbox: Outbox, entry: Entry): Promise<void> {
  await writeAtomic(join(outbox.pending, fileName(entry, entry.message.id)), JSON.stringify(entry));
}

/** The outcome is on disk before the copy goes away: after a crash in between it is known to be done. */
export async function finish(
  outbox: Outbox,
  entry: Entry,
  done: Pick<Done, 'at' | 'status' | 'detail' | 'untold'>,
): Promise<void> {
  const name = fileName(entry, entry.message.id);
  const { receiver, address, attempts, interrupted } = entry;
  const { id, thread } = entry.message;
  await writeAtomic(
    join(outbox.done, name),
    JSON.stringify({ id, thread, receiver, address, attempts, interrupted, ...done }),
  );
  await remove(join(outbox.pending, name));
}

/** What is to be sent, in the order in which it was decided. What was done before a crash is cleared away. */
export async function pendingEntries(outbox: Outbox): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const name of await names(outbox.pending)) {
    if (await exists(join(outbox.done, name))) await remove(join(outbox.pending, name));
    else entries.push(await readJson<Entry>(join(outbox.pending, name)));
  }
  return entries.sort((one, two) => order(one.message, two.message));
}

export async function doneEntries(outbox: Outbox): Promise<Done[]> {
  const all = await names(outbox.done);
  return Promise.all(all.map((name) => readJson<Done>(join(outbox.done, name))));
}

/** The receiver has been told of what was dropped. */
export async function markTold(outbox: Outbox, done: readonly Done[]): Promise<void> {
  for (const each of done)
    await writeAtomic(join(outbox.done, fileName(each, each.id)), JSON.stringify({ ...each, untold: false }));
}

/** Clears away what a killed process left half-written, and records that are older than any message could come back. */
export async function sweep(outbox: Outbox, before: Date): Promise<void> {
  for (const directory of [outbox.pending, outbox.done])
    for (const name of await readdir(directory))
      if (name.endsWith('.tmp')) await remove(join(directory, name));
  for (const name of await names(outbox.done)) {
    const found = await stat(join(outbox.done, name)).catch(() => undefined);
    if (found !== undefined && found.mtimeMs < before.getTime()) await remove(join(outbox.done, name));
  }
}

function order(one: Message, two: Message): number {
  if (one.at !== two.at) return one.at < two.at ? -1 : 1;
  return one.id < two.id ? -1 : 1;
}

async function names(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.endsWith('.json')).sort();
}

async function readJson<T>(path: string): Promise<T> {
  const text = (await readIfThere(path)) ?? '';
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    const aside = `${path}.broken`;
    await rename(path, aside).catch(() => undefined);
    throw new OpsError(`${path} is not what opsctl wrote; it was moved to ${aside}`, { cause: error });
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

async function remove(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw fileError('cannot remove', path, error);
  });
}
