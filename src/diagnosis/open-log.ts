import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { EXIT, OpsError } from '../errors.ts';
import { errorCode, fileError } from '../system/files.ts';
import type { System } from '../system/system.ts';

const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];
const CHUNK = 1024 * 1024;
const UNPACK_LIMIT_MS = 600_000;

/**
 * The bytes of a log, unpacked. A file that grows is read as far as it goes; one that shrinks or vanishes ends where it
 * ends; a pipe is read as it comes. A piece is good until the next is asked for: its memory is used again.
 * @throws OpsError for a file that is not there, may not be read, or is a directory; with exit code "unknown" for one
 * that is packed and damaged, behind what could be read of it.
 */
export async function* openLog(system: System, path: string): AsyncGenerator<Buffer> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    yield* unpack(system, path, readPlain(handle));
  } catch (error) {
    throw error instanceof OpsError ? error : fileError('cannot read', path, error);
  } finally {
    await handle?.close().catch(() => undefined);
  }
}

/** Whether it is packed is told by its first bytes, not by its name. */
export async function* unpack(
  system: System,
  name: string,
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const pieces = chunks[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  let ended = false;
  while (head.length < ZSTD.length && !ended) {
    const { value, done } = await pieces.next();
    ended = done === true;
    // The first piece of a file is handed on as it is.
    if (!ended) head = head.length === 0 ? value : Buffer.concat([head, value]);
  }
  if (startsWith(head, GZIP)) yield* gunzip(name, Readable.from(copies(head, pieces), { objectMode: false }));
  else if (startsWith(head, ZSTD)) yield* unzstd(system, name, copies(head, pieces));
  else {
    if (head.length > 0) yield head;
    for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value;
  }
}

function startsWith(bytes: Buffer, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

/** For who reads ahead. */
async function* copies(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield Buffer.from(head);
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield Buffer.from(next.value);
}

/** Without positions, which a pipe does not have. */
async function* readPlain(handle: FileHandle): AsyncGenerator<Buffer> {
  // The next piece is read while this one is searched.
  let [current, other] = [Buffer.allocUnsafeSlow(CHUNK), Buffer.allocUnsafeSlow(CHUNK)];
  for (let ahead = handle.read(current, 0, CHUNK, null); ; ) {
    const { bytesRead, buffer } = await ahead;
    if (bytesRead === 0) return;
    [current, other] = [other, current];
    ahead = handle.read(current, 0, CHUNK, null);
    ahead.catch(() => undefined);
    yield buffer.subarray(0, bytesRead);
  }
}

/** A gzip file that is still being written, or was cut, ends without its checksum: what came before is read. */
async function* gunzip(name: string, packed: Readable): AsyncGenerator<Buffer> {
  const unpacked = createGunzip({ chunkSize: CHUNK });
  pipeline(packed, unpacked, () => undefined);
  try {
    for await (const chunk of unpacked) yield chunk as Buffer;
  } catch (error) {
    if (errorCode(error)?.startsWith('Z_') !== true) throw error;
    throw damaged(name, error);
  }
}

function damaged(name: string, cause: unknown): OpsError {
  return new OpsError(`${name} is packed, and cut off or damaged: it was read as far as that goes`, {
    exitCode: EXIT.unknown,
    cause,
  });
}

/** Node 20 cannot read zstd, so the program of that name unpacks it to the side, whole: memory stays constant. */
async function* unzstd(system: System, name: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const directory = await mkdtemp(join(tmpdir(), 'opsctl-'));
  try {
    const [packed, plain] = [join(directory, 'packed'), join(directory, 'log')];
    await writeFile(packed, chunks);
    const result = await system.exec(['zstd', '-dqf', '-o', plain, packed], { timeoutMs: UNPACK_LIMIT_MS });
    if (result.missing) {
      throw new OpsError(
        `cannot read ${name}: it is packed with zstd, and the program "zstd" is not installed`,
        { hint: 'Install zstd, or unpack the file elsewhere.' },
      );
    }
    const handle = await open(plain, 'r').catch(() => undefined);
    try {
      if (handle) yield* readPlain(handle);
    } finally {
      await handle?.close();
    }
    if (result.code !== 0) throw damaged(name, result.stderr.trim());
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
