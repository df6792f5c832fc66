import { oneLine } from '../alert/plain.ts';
import type { Outcome } from './outcome.ts';
import { withoutSecrets } from './secret-file.ts';

const TIMEOUT_MS = 15_000;
const MAX_ANSWER = 16_384;
const MAX_WAIT_MS = 3_600_000;

/** One POST, as data. The address and the headers hold secrets. */
export interface HookRequest {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** A GET that says that opsctl is alive; any 2xx is success. */
export async function ping(url: string): Promise<Outcome> {
  const accept = ({ status }: HookAnswer): Outcome => ({ status: 'sent', detail: `HTTP ${status}` });
  return hidden(await exchange(url, { method: 'GET' }, accept), [url]);
}

/** What a chat answered. Some say "no" with HTTP 200, so each chat judges for itself. */
export interface HookAnswer {
  readonly status: number;
  readonly text: string;
  /** The text as JSON; undefined when it is none. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
}

/** An address that is asked as it stands: over TLS, or on this machine. Says what is wrong with it, never what it is. */
export function addressProblem(url: string | undefined): string | undefined {
  if (url === undefined || url === '') return 'has no url=…';
  if (!URL.canParse(url)) return 'has a url that is none';
  const { protocol, hostname } = new URL(url);
  if (protocol === 'https:') return undefined;
  if (protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname)) return undefined;
  return 'has a url that is not https: its secret would go over the net in the clear';
}

/**
 * Sends one POST and judges the answer. A redirect is refused: it would take the message, and for some chats its
 * signature, to an address that nobody wrote down.
 */
export async function post(
  request: HookRequest,
  judge: (answer: HookAnswer) => Outcome,
  secrets: readonly string[],
): Promise<Outcome> {
  const { url, headers, body } = request;
  const outcome = await exchange(
    url,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
      body: JSON.stringify(body),
    },
    judge,
  );
  return hidden(outcome, [url, ...secrets]);
}

function hidden(outcome: Outcome, secrets: readonly string[]): Outcome {
  return { ...outcome, detail: oneLine(withoutSecrets(outcome.detail, secrets), 200) };
}

async function exchange(
  url: string,
  request: RequestInit,
  judge: (answer: HookAnswer) => Outcome,
): Promise<Outcome> {
  try {
    const response = await fetch(url, {
      ...request,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      return { status: 'setup', detail: `HTTP ${response.status}: it redirects, which is not followed` };
    }
    const text = await beginning(response);
    const waitMs = waitOf(response.headers);
    const outcome = response.ok
      ? judge({ status: response.status, text, json: asJson(text) })
      : httpOutcome(response.status, text);
    return outcome.status === 'sent' || waitMs === undefined ? outcome : { ...outcome, waitMs };
  } catch (error) {
    return { status: 'later', detail: networkReason(error) };
  }
}

/** The first bytes of an answer: one that never ends is cut off. */
async function beginning(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  while (reader !== undefined && size < MAX_ANSWER) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    size += value.length;
  }
  await reader?.cancel();
  return Buffer.concat(chunks).toString('utf8', 0, MAX_ANSWER);
}

function httpOutcome(status: number, text: string): Outcome {
  const detail = `HTTP ${status}: ${text.slice(0, 200)}`;
  if (status === 408 || status === 425 || status === 429 || status >= 500) return { status: 'later', detail };
  return { status: [400, 413, 415, 422].includes(status) ? 'refused' : 'setup', detail };
}

/** Retry-After in seconds or as a date (RFC 9110, 10.2.3); Feishu has a header of its own, in seconds. */
function waitOf(headers: Headers): number | undefined {
  const text = headers.get('retry-after') ?? headers.get('x-ogw-ratelimit-reset');
  if (text === null) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), MAX_WAIT_MS) : undefined;
}

/** `fetch failed` says nothing; its cause has a code. Its message may hold the address, so that is not used. */
function networkReason(error: unknown): string {
  const { name, cause } = error as { name?: string; cause?: { code?: string } };
  if (name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} s`;
  return `no connection${cause?.code === undefined ? '' : ` (${cause.code})`}`;
}

function asJson(text: string): HookAnswer['json'] {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
