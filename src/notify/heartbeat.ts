import type { NotifyConfig } from '../config/notify-schema.ts';
import { describeFailure, OpsError } from '../errors.ts';
import { writeAtomic } from '../system/files.ts';
import { type System, shortHostname } from '../system/system.ts';
import type { Outcome } from './outcome.ts';
import { readSecrets } from './secret-file.ts';
import { addressProblem, ping } from './webhook.ts';

/** How one sign of life ended. */
export interface Beat extends Outcome {
  readonly kind: 'file' | 'url';
}

/**
 * Says that somebody looks: to be called after a look that saw something, and never after a blind one, so that silence
 * means health only while the beat goes on. Whoever watches the file's age or the address notices when it stops.
 * Never throws: a beat that fails is a line in the watcher's output.
 */
export async function beat(system: Pick<System, 'now'>, notify: NotifyConfig): Promise<Beat[]> {
  const { file, url_file: urlFile } = notify.heartbeat ?? { file: null, url_file: null };
  const beats: Promise<Beat>[] = [];
  if (file !== null) beats.push(guarded('file', () => beatFile(system, file)));
  if (urlFile !== null) beats.push(guarded('url', () => beatUrl(urlFile)));
  return Promise.all(beats);
}

/** Readable by all, because another user's monitoring looks at it; there is no secret in it. */
async function beatFile(system: Pick<System, 'now'>, file: string): Promise<Outcome> {
  const sign = { at: system.now().toISOString(), host: shortHostname(), pid: process.pid };
  await writeAtomic(file, `${JSON.stringify(sign)}\n`, 0o644);
  return { status: 'sent', detail: file };
}

async function beatUrl(urlFile: string): Promise<Outcome> {
  const { url } = await readSecrets(urlFile, ['url']);
  const problem = addressProblem(url);
  if (url === undefined || problem !== undefined)
    return { status: 'setup', detail: `${urlFile} ${problem ?? ''}` };
  return ping(url);
}

async function guarded(kind: Beat['kind'], work: () => Promise<Outcome>): Promise<Beat> {
  try {
    return { kind, ...(await work()) };
  } catch (error) {
    if (!(error instanceof OpsError)) throw error;
    return { kind, status: 'setup', detail: describeFailure(error).text.replace(/\n\s*/g, ': ') };
  }
}
