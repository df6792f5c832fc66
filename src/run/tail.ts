import { type FileHandle, open } from 'node:fs/promises';
import { errorCode, fileError } from '../system/files.ts';

/** A line without end must not fill the memory: it is cut here. */
const MAX_LINE = 1_000_000;
const CHUNK = 256 * 1024;
/** Bytes of one read(): what is left comes with the next. */
const MAX_READ = 16 * 1024 * 1024;

/** What a read of a growing file found. `absent` is no failure: a job that waits has no log. */
export interface Growth {
  readonly state: 'absent' | 'same' | 'grown';
  /** The file was replaced or cut off, and is read from its start. */
  readonly restarted: boolean;
  /** Whole lines, without their line ends. */
  readonly lines: readonly string[];
}

/** Reads a growing file once: each byte, each line, and only what is new. */
export interface Tail {
  /** Reads what is new. @throws OpsError when the file is there and cannot be read. */
  read(): Promise<Growth>;
  /** What stands behind the last line end, once no more will come. */
  rest(): string[];
  /** The newest state of a progress bar, which ends in a carriage return for hours, or nothing. */
  bar(): string[];
}

/** @param start bytes to pass over; the line that begins before is left out. */
export function tailFile(path: string, start = 0): Tail {
  let offset = start;
  let inode: number | undefined;
  let skipping = start > 0;
  let pending = '';
  let decoder = new TextDecoder();

  const reset = (): void => {
    offset = 0;
    skipping = false;
    pending = '';
    decoder = new TextDecoder();
  };

  return {
    async read() {
      const handle = await openIfThere(path);
      if (handle === undefined) return { state: 'absent', restarted: false, lines: [] };
      try {
        const { ino, size } = await handle.stat();
        const restarted = (inode !== undefined && ino !== inode) || size < offset;
        inode = ino;
        if (restarted) reset();
        const text = decoder.decode(await readBytes(handle, offset, (read) => (offset += read)), {
          stream: true,
        });
        if (text === '') return { state: 'same', restarted, lines: [] };
        const parts = (pending + text).split('\n');
        pending = parts.pop() ?? '';
        if (pending.length > MAX_LINE) {
          parts.push(pending);
          pending = '';
        }
        if (skipping && parts.length > 0) {
          parts.shift();
          skipping = false;
        }
        return { state: 'grown', restarted, lines: parts };
      } catch (error) {
        throw fileError('cannot read', path, error);
      } finally {
        await handle.close();
      }
    },
    rest() {
      const left = skipping ? '' : pending + decoder.decode();
      pending = '';
      return left === '' ? [] : [left];
    },
    bar() {
      const end = pending.lastIndexOf('\r');
      if (end === -1) return [];
      const shown = pending.slice(0, end);
      pending = pending.slice(end + 1);
      return [shown];
    },
  };
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw fileError('cannot read', path, error);
  }
}

async function readBytes(
  handle: FileHandle,
  from: number,
  advance: (bytes: number) => void,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let position = from;
  while (position - from < MAX_READ) {
    const buffer = Buffer.allocUnsafe(CHUNK);
    const { bytesRead } = await handle.read(buffer, 0, CHUNK, position);
    if (bytesRead === 0) break;
    chunks.push(buffer.subarray(0, bytesRead));
    position += bytesRead;
    advance(bytesRead);
  }
  return Buffer.concat(chunks);
}

/** Bytes of a file, or undefined when it is not there. */
async function fileSize(path: string): Promise<number | undefined> {
  const handle = await openIfThere(path);
  if (handle === undefined) return undefined;
  try {
    return (await handle.stat()).size;
  } finally {
    await handle.close();
  }
}

/** The text of the last `bytes` bytes, from a line's beginning; undefined when the file is not there. */
export async function readEnd(path: string, bytes: number): Promise<string | undefined> {
  const size = await fileSize(path);
  if (size === undefined) return undefined;
  const tail = tailFile(path, Math.max(0, size - bytes));
  const lines = [...(await tail.read()).lines];
  return [...lines, ...tail.rest()].join('\n');
}

const FIRST_WINDOW = 256 * 1024;
/** Further back nobody looks for the last lines of one rank. */
const LAST_WINDOW = 64 * 1024 * 1024;

/**
 * The last `count` lines that `keep` keeps, read from the end of the file, and the tail that goes on behind them.
 * All lines (`Infinity`) are not read here but left to the tail: they need not fit into the memory.
 */
export async function lastLines(
  path: string,
  count: number,
  keep: (line: string) => boolean,
): Promise<{ lines: string[]; tail: Tail }> {
  if (count === Number.POSITIVE_INFINITY) return { lines: [], tail: tailFile(path) };
  const size = (await fileSize(path)) ?? 0;
  for (let window = FIRST_WINDOW; ; window *= 4) {
    const start = Math.max(0, size - window);
    const tail = tailFile(path, start);
    const lines: string[] = [];
    for (let growth = await tail.read(); growth.state === 'grown'; growth = await tail.read()) {
      for (const line of growth.lines) if (keep(line)) lines.push(line);
    }
    if (lines.length >= count || start === 0 || window >= LAST_WINDOW) {
      return { lines: count === 0 ? [] : lines.slice(-count), tail };
    }
  }
}

/** Hands over each line of a file with its number, from 1. */
export async function eachLine(path: string, each: (text: string, line: number) => void): Promise<void> {
  const tail = tailFile(path);
  let number = 0;
  for (let growth = await tail.read(); growth.state === 'grown'; growth = await tail.read()) {
    for (const line of growth.lines) each(line, ++number);
  }
  for (const line of tail.rest()) each(line, ++number);
}
