import { open } from 'node:fs/promises';
import { EXIT, OpsError } from '../errors.ts';
import { errorCode } from '../system/files.ts';

const MAX_BYTES = 16_384;

/**
 * A file of `name=value` lines that only its owner may read; lines that begin with # are comments.
 * @throws OpsError that names the file and the line, never a value, and says what to type.
 */
export async function readSecrets(
  path: string,
  known: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const text = await readPrivate(path);
  const entries = text.split('\n').flatMap((raw, index): [string, string][] => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return [];
    const at = line.indexOf('=');
    const name = at === -1 ? '' : line.slice(0, at).trim();
    if (!known.includes(name))
      throw problem(`${path}:${index + 1}: expected one of ${known.map((word) => `${word}=…`).join(', ')}`);
    return [[name, line.slice(at + 1).trim()]];
  });
  return Object.fromEntries(entries);
}

/** Looked at through the open file: what is read is what was checked. */
async function readPrivate(path: string): Promise<string> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw problem(`cannot read ${path}: ${errorCode(error) ?? 'unknown reason'}`);
  });
  try {
    const found = await file.stat();
    if (!found.isFile()) throw problem(`${path} is not a file`);
    if ((found.mode & 0o077) !== 0) {
      const mode = (found.mode & 0o777).toString(8).padStart(4, '0');
      throw problem(`${path} has mode ${mode}: others could read it`, `chmod 600 ${path}`);
    }
    if (found.uid !== process.getuid?.()) throw problem(`${path} belongs to somebody else`);
    if (found.size > MAX_BYTES) throw problem(`${path} is too large for a few lines of name=value`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

function problem(message: string, hint?: string): OpsError {
  return new OpsError(message, { exitCode: EXIT.failed, ...(hint === undefined ? {} : { hint }) });
}

/** What a server said, as one short line without any of the secrets, also as they go over the wire. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  let bare = text;
  for (const secret of secrets.filter((value) => value.length >= 4)) {
    for (const form of [secret, Buffer.from(secret).toString('base64'), encodeURIComponent(secret)])
      bare = bare.replaceAll(form, '[secret]');
  }
  return bare;
}
