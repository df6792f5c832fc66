import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../system/files.ts';

export interface DataScan {
  readonly files: number;
  readonly bytes: number;
  /** What is wrong, worst first; empty when the data can be trained on as far as was looked. */
  readonly problems: readonly string[];
}

/** The first and last lines of this many files are read; the rest are only counted. */
const MAX_FILES_READ = 256;
/** A longer line is not judged. */
const MAX_LINE_BYTES = 1 << 20;
const AT_ONCE = 16;

/**
 * Looks at a directory of JSONL files as a trainer will find it: which files have the suffix, how many bytes, and
 * whether the first and last line of each is a JSON object with the keys the trainer needs. The last line is where
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
    return { files: 0, bytes: 0, problems: [directoryProblem(directory, error)] };
  }
  if (names.length === 0)
    return { files: 0, bytes: 0, problems: [`no file in ${directory} ends in "${suffix}"`] };
  const isJsonl = suffix.endsWith('.jsonl');
  const problems: string[] = [];
  let bytes = 0;
  for (let start = 0; start < names.length; start += AT_ONCE) {
    const chunk = names.slice(start, start + AT_ONCE);
    const looks = await Promise.all(
      chunk.map((name, index) =>
        lookAt(join(directory, name), isJsonl && start + index < MAX_FILES_READ ? keys : undefined),
      ),
    );
    for (const look of looks) {
      bytes += look.bytes;
      if (look.problem !== undefined) problems.push(look.problem);
    }
  }
  return { files: names.length, bytes, problems };
}

function directoryProblem(directory: string, error: unknown): string {
  const code = errorCode(error);
  if (code === 'ENOENT') return `the directory ${directory} does not exist`;
  if (code === 'ENOTDIR') return `${directory} is a file; a directory is wanted`;
  return `the directory ${directory} cannot be read (${code ?? String(error)})`;
}

async function lookAt(
  path: string,
  keys: readonly string[] | undefined,
): Promise<{ bytes: number; problem?: string }> {
  let bytes = 0;
  try {
    const { size } = await stat(path);
    bytes = size;
    if (size === 0) return { bytes, problem: `${path} is empty` };
    if (keys === undefined) return { bytes };
    const handle = await open(path, 'r');
    try {
      const problem = await judgeEnds(handle, size, keys);
      return problem === undefined ? { bytes } : { bytes, problem: `${path}: ${problem}` };
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
): Promise<string | undefined> {
  const head = await readAt(handle, 0, Math.min(size, MAX_LINE_BYTES));
  const end = head.indexOf('\n');
  const first = end === -1 ? (size <= MAX_LINE_BYTES ? head : undefined) : head.slice(0, end);
  const firstProblem = first === undefined ? undefined : judgeLine(first, keys);
  if (firstProblem !== undefined) return `line 1 ${firstProblem}`;
  const from = Math.max(0, size - MAX_LINE_BYTES);
  const tail = (await readAt(handle, from, size - from)).trimEnd();
  const begin = tail.lastIndexOf('\n');
  if (begin === -1 && from > 0) return undefined;
  const lastProblem = judgeLine(tail.slice(begin + 1), keys);
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
