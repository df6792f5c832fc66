import { open } from 'node:fs/promises';
import { errorCode, fileError } from '../system/files.ts';

/** How far a log was read: an offset in bytes, in the file of this inode. */
export interface LogMark {
  readonly offset: number;
  readonly inode: number;
}

export interface NewLines {
  readonly lines: readonly string[];
  readonly mark: LogMark;
  /** Milliseconds since 1970. */
  readonly writtenAt: number;
}

/** Of a log that is met for the first time, and of one that grew by more than this, only the end is read. */
const MOST_BYTES = 1024 * 1024;

/**
 * The whole lines that were written since the mark; undefined when there is no such file. A state of a progress bar,
 * which ends in a carriage return, is a line too.
 * @throws OpsError when the file may not be read.
 */
export async function readNewLines(path: string, mark: LogMark | null): Promise<NewLines | undefined> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw fileError('cannot read', path, error);
  });
  if (handle === undefined) return undefined;
  try {
    const { ino: inode, size, mtimeMs: writtenAt } = await handle.stat();
    const isKnown = mark !== null && mark.inode === inode && mark.offset <= size;
    const start = isKnown ? mark.offset : 0;
    const from = Math.max(start, size - MOST_BYTES);
    const buffer = Buffer.allocUnsafe(size - from);
    const { bytesRead } = size > from ? await handle.read(buffer, 0, size - from, from) : { bytesRead: 0 };
    const text = buffer.subarray(0, bytesRead);
    // A line that is still being written is left for the next look, unless it is longer than any line.
    const end = Math.max(text.lastIndexOf(10), text.lastIndexOf(13)) + 1;
    const read = end === 0 && bytesRead === MOST_BYTES ? bytesRead : end;
    const lines = text
      .subarray(0, read)
      .toString('utf8')
      .split(/[\r\n]+/);
    // Half a line would be read as another number than it is.
    if (from > start) lines.shift();
    return { lines: lines.filter((line) => line !== ''), mark: { offset: from + read, inode }, writtenAt };
  } catch (error) {
    throw fileError('cannot read', path, error);
  } finally {
    await handle.close();
  }
}
