import { open } from 'node:fs/promises';
import { UsageError } from '../errors.ts';
import { errorCode, fileError } from '../system/files.ts';

/** A configuration or a recipe is a few kilobytes. What is larger is another file, and parsing it would take minutes. */
const MAX_BYTES = 1_000_000;
/**
 * Text of a YAML file, without its byte order mark; undefined when there is no such file.
 * @throws UsageError for what cannot be YAML (a directory, binary data, too large), OpsError when it cannot be read.
 */
export async function readYamlText(path: string): Promise<string | undefined> {
  const bytes = await readBounded(path);
  if (bytes === undefined) return undefined;
  if (bytes.length > MAX_BYTES) {
    throw new UsageError(`${path} is larger than ${MAX_BYTES / 1e6} MB: this is no configuration or recipe`);
  }
  const text = bytes.toString('utf8').replace(/^\ufeff/, '');
  const binary = /[\u0000\ufffd]/.exec(text);
  if (binary) {
    const line = text.slice(0, binary.index).split('\n').length;
    throw new UsageError(
      `${path}:${line}: not UTF-8 text`,
      'Is it the right file? `iconv -t UTF-8` converts one that an editor saved otherwise.',
    );
  }
  return text;
}

/** At most one byte more than is allowed, so that a device or a 50 MB log costs nothing. */
async function readBounded(path: string): Promise<Buffer | undefined> {
  try {
    const handle = await open(path, 'r');
    try {
      const chunks: Buffer[] = [];
      let size = 0;
      while (size <= MAX_BYTES) {
        const { bytesRead, buffer } = await handle.read(Buffer.alloc(64 * 1024), 0, 64 * 1024, null);
        if (bytesRead === 0) break;
        chunks.push(buffer.subarray(0, bytesRead));
        size += bytesRead;
      }
      return Buffer.concat(chunks);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'EISDIR') throw new UsageError(`${path} is a directory, not a YAML file`);
    throw fileError('cannot read', path, error);
  }
}
