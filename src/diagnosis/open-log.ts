import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { OpsError } from '../errors.ts';
import { errorCode, fileError } from '../system/files.ts';
import type { System } from '../system/system.ts';

const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];
const CHUNK = 1024 * 1024;
const UNPACK_LIMIT_MS = 600_000;

/**
 * The bytes of a log, unpacked: whether it is packed is told by its first bytes, not by its name. A file that grows is
 * read as far as it goes; one that shrinks or vanishes ends where it ends. A piece is good until the next is asked for:
 * its memory is used again.
 * @throws OpsError for a file that is not there, may not be read, or is a directory.
 */
export async function* openLog(system: System, path: string): AsyncGenerator<Buffer> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const head = Buffer.alloc(ZSTD.length);
    const { bytesRead } = await handle.read(head, 0, ZSTD.length, 0);
    if (startsWith(head.subarray(0, bytesRead), GZIP))
      yield* gunzip(handle.createReadStream({ start: 0, autoClose: false }));
    else if (startsWith(head.subarray(0, bytesRead), ZSTD)) yield* unzstd(system, path);
    else yield* readPlain(handle);
  } catch (error) {
    throw error instanceof OpsError ? error : fileError('cannot read', path, error);
  } finally {
    await handle?.close().catch(() => undefined);
  }
}

function startsWith(bytes: Buffer, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

async function* readPlain(handle: FileHandle): AsyncGenerator<Buffer> {
  const { size } = await handle.stat();
  // A pipe or a device has no size and is read without positions.
  const regular = size > 0;
  // The next piece is read while this one is searched.
  let [current, other] = [Buffer.allocUnsafeSlow(CHUNK), Buffer.allocUnsafeSlow(CHUNK)];
  const read = (position: number) => handle.read(current, 0, CHUNK, regular ? position : null);
  for (let position = 0, ahead = read(0); ; ) {
    const { bytesRead, buffer } = await ahead;
    if (bytesRead === 0) return;
    position += bytesRead;
    [current, other] = [other, current];
    ahead = read(position);
    ahead.catch(() => undefined);
    yield buffer.subarray(0, bytesRead);
  }
}

/** A gzip file that is still being written, or was cut, ends without its checksum: what came before is read. */
async function* gunzip(packed: Readable): AsyncGenerator<Buffer> {
  const unpacked = createGunzip({ chunkSize: CHUNK });
  pipeline(packed, unpacked, () => undefined);
  try {
    for await (const chunk of unpacked) yield chunk as Buffer;
  } catch (error) {
    if (errorCode(error) !== 'Z_BUF_ERROR') throw error;
  }
}

/** Node 20 cannot read zstd, so the program of that name unpacks it to the side, whole: memory stays constant. */
async function* unzstd(system: System, path: string): AsyncGenerator<Buffer> {
  const directory = await mkdtemp(join(tmpdir(), 'opsctl-'));
  try {
    const plain = join(directory, 'log');
    const result = await system.exec(['zstd', '-dqf', '-o', plain, path], { timeoutMs: UNPACK_LIMIT_MS });
    if (result.missing) {
      throw new OpsError(
        `cannot read ${path}: it is packed with zstd, and the program "zstd" is not installed`,
        {
          hint: 'Install zstd, or unpack the file elsewhere.',
        },
      );
    }
    const handle = await open(plain, 'r').catch(() => undefined);
    if (handle === undefined) throw new OpsError(`cannot read ${path}: zstd says: ${result.stderr.trim()}`);
    try {
      yield* readPlain(handle);
    } finally {
      await handle.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
