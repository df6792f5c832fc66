import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../system/files.ts';

export interface DataScan {
  readonly files: number;
  readonly bytes: number;
  /** What is wrong, worst first; empty when the data can be trained on as far as was looked. */
  readonly problems: readonly string[];
  /** What it can be trained on with, and better were not. */
  readonly warnings: readonly string[];
}

/** Nothing was looked at, or nothing found. */
export const NO_DATA: DataScan = { files: 0, bytes: 0, problems: [], warnings: [] };

/** The first and last lines of this many files are read; the rest are only counted. */
const MAX_FILES_READ = 256;
/** A longer line is not judged. */
const MAX_LINE_BYTES = 1 << 20;
const AT_ONCE = 16;
/** What pyarrow's 32 bit offsets can hold: `load_dataset` fails on some files above it with ArrowCapacityError. */
const MAX_ARROW_BYTES = 2_147_483_646;
const LITERAL_END = /<\|?endoftext\|?>/;

/**
 * Looks at a directory of data files as a trainer will find it: which files have the suffix, how many bytes, and
 * whether the first and last line of each .jsonl is a JSON object with the keys the trainer needs. The last line is where
 * a copy that was cut off shows.
 */
export async function scanData(
  directory: string,
  suffix: string,
  keys: readonly string[],
): Promise<DataScan> {
  let names: string[];
  try {
    names = (await readdir(directory)).filter((name) => name.endsWith(suffix)).sort();
  } catch (error) {
    return { ...NO_DATA, problems: [directoryProblem(directory, error)] };
  }
  if (names.length === 0) return { ...NO_DATA, problems: [`no file in ${directory} ends in "${suffix}"`] };
  const problems: string[] = [];
  const warnings: string[] = [];
  let bytes = 0;
  for (let start = 0; start < names.length; start += AT_ONCE) {
    const chunk = names.slice(start, start + AT_ONCE);
    const looks = await Promise.all(
      chunk.map((name, index) =>
        lookAt(
          join(directory, name),
          name.endsWith('.jsonl') && start + index < MAX_FILES_READ ? keys : undefined,
        ),
      ),
    );
    for (const look of looks) {
      bytes += look.bytes;
      if (look.problem !== undefined) problems.push(look.problem);
      if (look.warning !== undefined) warnings.push(look.warning);
    }
  }
  return { files: names.length, bytes, problems, warnings };
}

function directoryProblem(directory: string, error: unknown): string {
  const code = errorCode(error);
  if (code === 'ENOENT') return `the directory ${directory} does not exist`;
  if (code === 'ENOTDIR') return `${directory} is a file; a directory is wanted`;
  return `the directory ${directory} cannot be read (${code ?? String(error)})`;
}

interface Look {
  readonly bytes: number;
  readonly problem?: string | undefined;
  readonly warning?: string | undefined;
}

async function lookAt(path: string, keys: readonly string[] | undefined): Promise<Look> {
  let bytes = 0;
  try {
    const { size } = await stat(path);
    bytes = size;
    if (size === 0) return { bytes, problem: `${path} is empty` };
    const huge =
      size > MAX_ARROW_BYTES
        ? `${path} is larger than 2 GiB: load_dataset may fail on it with ArrowCapacityError`
        : undefined;
    if (keys === undefined) return { bytes, warning: huge };
    const handle = await open(path, 'r');
    try {
      const { problem, hasLiteral } = await judgeEnds(handle, size, keys);
      const literal = hasLiteral
        ? `${path} holds "<endoftext>" as plain text, which the tokenizer may take for ordinary words`
        : undefined;
      return {
        bytes,
        problem: problem === undefined ? undefined : `${path}: ${problem}`,
        warning: huge ?? literal,
      };
    } finally {
      await handle.close();
    }
  } catch (error) {
    return { bytes, problem: `${path} cannot be read (${errorCode(error) ?? String(error)})` };
  }
}

async function judgeEnds(
  handle: FileHandle,
  size: number,
  keys: readonly string[],
): Promise<{ problem: string | undefined; hasLiteral: boolean }> {
  const head = await readAt(handle, 0, Math.min(size, MAX_LINE_BYTES));
  const from = Math.max(0, size - MAX_LINE_BYTES);
  const tail = from === 0 ? head : await readAt(handle, from, size - from);
  return {
    problem: endProblem(head, tail, from, keys),
    hasLiteral: LITERAL_END.test(head) || LITERAL_END.test(tail),
  };
}

/** @param from where the tail begins in the file; 0 when head and tail are the whole file. */
function endProblem(head: string, tail: string, from: number, keys: readonly string[]): string | undefined {
  const end = head.indexOf('\n');
  const first = end === -1 ? (from === 0 ? head : undefined) : head.slice(0, end);
  const firstProblem = first === undefined ? undefined : judgeLine(first, keys);
  if (firstProblem !== undefined) return `line 1 ${firstProblem}`;
  const lines = tail.trimEnd();
  const begin = lines.lastIndexOf('\n');
  if (begin === -1 && from > 0) return undefined;
  const lastProblem = judgeLine(lines.slice(begin + 1), keys);
  return lastProblem === undefined ? undefined : `the last line ${lastProblem}`;
}

function judgeLine(line: string, keys: readonly string[]): string | undefined {
  let sample: unknown;
  try {
    sample = JSON.parse(line);
  } catch {
    return `is not JSON: ${JSON.stringify(line.slice(0, 60))}`;
  }
  if (typeof sample !== 'object' || sample === null || Array.isArray(sample)) return 'is not a JSON object';
  const missing = keys.filter((key) => !(key in sample));
  return missing.length === 0 ? undefined : `has no "${missing.join('", "')}"`;
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<string> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, position);
  return buffer.toString('utf8', 0, bytesRead);
}
