import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, fileError, readIfThere } from '../system/files.ts';
import type { Attempt } from './manifest.ts';

/** What the job wrote about its attempts, oldest first. A file that is not readable JSON is left out. */
export async function readAttempts(outputDir: string): Promise<Attempt[]> {
  const directory = join(outputDir, 'attempts');
  const names = await readdir(directory).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return [];
    throw fileError('cannot read', directory, error);
  });
  const files = names.filter((name) => /^\d+\.json$/.test(name));
  const texts = await Promise.all(files.map((name) => readIfThere(join(directory, name))));
  return texts
    .flatMap((text) => parseAttempt(text ?? '') ?? [])
    .sort((one, other) => one.attempt - other.attempt);
}

/** The record, or undefined when it is none: the job writes it with bash, on file systems that may be full. */
export function parseAttempt(text: string): Attempt | undefined {
  let found: Partial<Record<keyof Attempt, unknown>> | null;
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof found !== 'object' || found === null || typeof found.attempt !== 'number') return undefined;
  return {
    attempt: found.attempt,
    jobId: String(found.jobId ?? ''),
    nodes: Array.isArray(found.nodes) ? found.nodes.map(String) : [],
    startedAt: typeof found.startedAt === 'string' ? found.startedAt : '',
    endedAt: typeof found.endedAt === 'string' ? found.endedAt : null,
    exitCode: typeof found.exitCode === 'number' ? found.exitCode : null,
    ...(typeof found.reason === 'string' ? { reason: found.reason } : {}),
    ...(typeof found.requeued === 'boolean' ? { requeued: found.requeued } : {}),
    ...(typeof found.resumedFrom === 'number' ? { resumedFrom: found.resumedFrom } : {}),
    ...(Array.isArray(found.refused) && found.refused.length > 0
      ? { refused: found.refused.map(String) }
      : {}),
    ...(typeof found.because === 'string' && found.because !== '' ? { because: found.because } : {}),
  };
}
