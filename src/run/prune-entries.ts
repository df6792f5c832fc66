import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, fileError } from '../system/files.ts';
import { isCompleteCheckpoint } from './complete.ts';
import type { Entry } from './prune-plan.ts';
import type { CheckpointRule } from './upstream.ts';

/** Between its own name and nothing: no trainer resumes from this name, and prune finishes it the next time. */
const TRASH = /^\.opsctl-trash-/;

export function isTrash(name: string): boolean {
  return TRASH.test(name);
}

/** Under which name a checkpoint goes. */
export function trashName(name: string): string {
  return `.opsctl-trash-${name}-${process.pid}`;
}

/** What a prune that was killed had taken the name from already: names of this user's own directories. */
export async function trashIn(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).filter(isTrash);
  const found = await Promise.all(names.map((name) => lstat(join(directory, name))));
  return names.filter((_, index) => found[index]?.isDirectory() && found[index].uid === process.getuid?.());
}

/** Everything else in the directory, as the plan wants it. */
export async function readEntries(directory: string, rule: CheckpointRule): Promise<Entry[]> {
  const names = (await readdir(directory)).filter((name) => !TRASH.test(name)).sort();
  const entries: Entry[] = [];
  for (const name of names) {
    const entry = await readEntry(directory, name, rule);
    if (entry) entries.push(entry);
  }
  return entries;
}

async function readEntry(directory: string, name: string, rule: CheckpointRule): Promise<Entry | undefined> {
  const path = join(directory, name);
  try {
    const found = await lstat(path);
    const kind = found.isSymbolicLink() ? 'link' : found.isDirectory() ? 'directory' : 'other';
    const itself = { bytes: found.size, modifiedMs: found.mtimeMs, isOwn: found.uid === process.getuid?.() };
    const below = kind === 'directory' ? await measure(path) : itself;
    return {
      name,
      kind,
      bytes: below.bytes,
      modifiedMs: Math.max(below.modifiedMs, itself.modifiedMs),
      isOwn: below.isOwn && itself.isOwn,
      isComplete: kind === 'directory' && (await isCompleteCheckpoint(directory, name, rule)),
      identity: `${found.dev}:${found.ino}`,
    };
  } catch (error) {
    // Taken away meanwhile by the trainer's own retention.
    if (errorCode(error) === 'ENOENT') return undefined;
    throw fileError('cannot read', path, error);
  }
}

interface Measured {
  readonly bytes: number;
  readonly modifiedMs: number;
  readonly isOwn: boolean;
}

/** Bytes, newest change and owners of all below; links count as themselves and are not followed. */
async function measure(directory: string): Promise<Measured> {
  let all: Measured = { bytes: 0, modifiedMs: 0, isOwn: true };
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    const found = await lstat(path);
    const inner: Measured = entry.isDirectory()
      ? await measure(path)
      : { bytes: found.size, modifiedMs: found.mtimeMs, isOwn: true };
    all = {
      bytes: all.bytes + inner.bytes,
      modifiedMs: Math.max(all.modifiedMs, inner.modifiedMs, found.mtimeMs),
      isOwn: all.isOwn && inner.isOwn && found.uid === process.getuid?.(),
    };
  }
  return all;
}
