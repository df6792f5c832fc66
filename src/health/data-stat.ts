import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { errorCode, fileError } from '../system/files.ts';

export interface BrokenLine {
  readonly file: string;
  readonly line: number;
  readonly problem: string;
}

export interface LongLine {
  readonly file: string;
  readonly line: number;
  readonly bytes: number;
}

export interface FileStat {
  readonly file: string;
  /** Lines that can be read as one: neither empty nor broken. */
  readonly samples: number;
  /** Of the text: of a .gz file what it unpacks to. */
  readonly bytes: number;
  readonly longest: LongLine | null;
  readonly brokenLines: number;
  /** Lines that hold the end-of-text token as literal text: fault table, row 3. */
  readonly literalEndOfText: number;
}

export interface DataStat {
  readonly directory: string;
  readonly suffix: string;
  readonly files: readonly FileStat[];
  readonly samples: number;
  readonly bytes: number;
  /** Longest first. */
  readonly longest: readonly LongLine[];
  /** The first of them; `brokenLines` of the files count all. */
  readonly broken: readonly BrokenLine[];
}

const SHOWN_LONGEST = 5;
const SHOWN_BROKEN = 20;
/** A longer line is counted and not parsed: it is told as broken, because a trainer would hold it in memory whole. */
const MAX_LINE = 64 << 20;
const CHUNK = 1 << 20;
const NEWLINE = 10;
const END_OF_TEXT = /<\|?endoftext\|?>/;

/**
 * Counts what training data holds: one pass, in constant memory. Bytes, not tokens: how many tokens they are only the
 * tokenizer knows, and the trainer prints it at its start.
 * @throws UsageError when the directory is not there or holds no such file.
 */
export async function dataStat(
  directory: string,
  suffix: string,
  onFile: (stat: FileStat) => void = () => undefined,
): Promise<DataStat> {
  const names = await readdir(directory, { recursive: false }).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') throw new UsageError(`the directory ${directory} does not exist`);
    if (errorCode(error) === 'ENOTDIR')
      throw new UsageError(`${directory} is a file; a directory is wanted`, 'Name the directory it lies in.');
    throw fileError('cannot read', directory, error);
  });
  const wanted = names.filter((name) => name.endsWith(suffix) || name.endsWith(`${suffix}.gz`)).sort();
  if (wanted.length === 0)
    throw new UsageError(
      `no file in ${directory} ends in "${suffix}"`,
      'Give --suffix; a compressed file may have .gz behind it.',
    );
  const longest: LongLine[] = [];
  const broken: BrokenLine[] = [];
  const files: FileStat[] = [];
  for (const name of wanted) {
    const path = join(directory, name);
    const isJson = suffix.endsWith('.jsonl') || suffix.endsWith('.json');
    const found = await fileStat(path, isJson, (line) => {
      if (broken.length < SHOWN_BROKEN) broken.push(line);
    });
    files.push(found);
    onFile(found);
    if (found.longest) longest.push(found.longest);
  }
  longest.sort((one, other) => other.bytes - one.bytes);
  return {
    directory,
    suffix,
    files,
    samples: files.reduce((sum, { samples }) => sum + samples, 0),
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    longest: longest.slice(0, SHOWN_LONGEST),
    broken,
  };
}

async function fileStat(
  file: string,
  isJson: boolean,
  onBroken: (line: BrokenLine) => void,
): Promise<FileStat> {
  const counts = { samples: 0, bytes: 0, brokenLines: 0, literalEndOfText: 0 };
  let longest: LongLine | null = null;
  let line = 0;
  const take = (text: Buffer | undefined, length: number): void => {
    line += 1;
    const trimmed = text?.toString('utf8').trim();
    if (trimmed === '') return;
    if (longest === null || length > longest.bytes) longest = { file, line, bytes: length };
    const problem = trimmed === undefined ? `is longer than ${MAX_LINE >> 20} MiB` : judge(trimmed, isJson);
    if (trimmed !== undefined && END_OF_TEXT.test(trimmed)) counts.literalEndOfText += 1;
    if (problem === undefined) {
      counts.samples += 1;
      return;
    }
    counts.brokenLines += 1;
    onBroken({ file, line, problem });
  };
  try {
    for await (const [text, length, end] of linesOf(file)) {
      counts.bytes += length + end;
      take(text, length);
    }
  } catch (error) {
    if (errorCode(error)?.startsWith('Z_')) {
      counts.brokenLines += 1;
      onBroken({ file, line, problem: `cannot be unpacked from here on: ${String(error)}` });
    } else throw fileError('cannot read', file, error);
  }
  return { file, ...counts, longest };
}

function judge(text: string, isJson: boolean): string | undefined {
  // A byte that is not UTF-8 was read as this character.
  if (text.includes('\ufffd')) return 'holds bytes that are not UTF-8';
  if (!isJson) return undefined;
  try {
    const sample: unknown = JSON.parse(text);
    return typeof sample === 'object' && sample !== null ? undefined : 'is no JSON object';
  } catch {
    return `is not JSON: ${JSON.stringify(text.slice(0, 60))}`;
  }
}

/** Text, its bytes, and those of the line end: 0 for a last line without one. */
type Line = readonly [Buffer | undefined, number, 0 | 1];

/** Each line with its length in bytes; the text is left out where it would not fit into the memory. */
async function* linesOf(file: string): AsyncGenerator<Line> {
  const raw = createReadStream(file, { highWaterMark: CHUNK });
  const stream = file.endsWith('.gz') ? await unzipped(raw) : raw;
  let parts: Buffer[] = [];
  let length = 0;
  const add = (part: Buffer): void => {
    length += part.length;
    if (length <= MAX_LINE) parts.push(part);
    else parts = [];
  };
  const whole = (end: 0 | 1): Line => {
    const line: Line = [
      length > MAX_LINE ? undefined : parts.length === 1 ? parts[0] : Buffer.concat(parts),
      length,
      end,
    ];
    parts = [];
    length = 0;
    return line;
  };
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, at));
      yield whole(1);
      from = at + 1;
    }
    if (from < chunk.length) add(Buffer.from(chunk.subarray(from)));
  }
  if (length > 0) yield whole(0);
}

async function unzipped(raw: NodeJS.ReadableStream) {
  const { createGunzip } = await import('node:zlib');
  const gunzip = createGunzip({ chunkSize: CHUNK });
  raw.on('error', (error) => gunzip.destroy(error));
  return raw.pipe(gunzip);
}
