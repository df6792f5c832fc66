import { type FileHandle, open } from 'node:fs/promises';
import { errorCode, fileError } from '../system/files.ts';

/** Trainers print them before the first step. */
const HEAD = 256 * 1024;
/** The seed team's trainers: `Total tokens for sft: 51166867` (fault table, row 19). */
const TOTAL = /\b(Total (?:[a-z]+ )?tokens for [\w-]+): (\d+)\b/g;

/** Token totals by what they are of, from the text of a log; undefined when there is none. Pure. */
export function tokenTotals(log: string): Readonly<Record<string, number>> | undefined {
  const found = [...log.matchAll(TOTAL)].map(([, name = '', count]) => [name, Number(count)] as const);
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** The same from the beginning of a log file; a log that is not there has none. */
export async function readTokenTotals(path: string): Promise<Readonly<Record<string, number>> | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const buffer = Buffer.alloc(HEAD);
    const { bytesRead } = await handle.read(buffer, 0, HEAD, 0);
    return tokenTotals(buffer.toString('utf8', 0, bytesRead));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw fileError('cannot read', path, error);
  } finally {
    await handle?.close();
  }
}
