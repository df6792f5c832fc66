import type { Message } from '../alert/message.ts';
import type { NotifyConfig } from '../config/notify-schema.ts';
import { describeFailure, OpsError } from '../errors.ts';
import type { Outcome } from './outcome.ts';
import type { Wording } from './text.ts';

/** Parts of an address that are this long are taken for keys. */
const SECRET_LENGTH = 16;

/** Where one copy of a message goes: a mail goes to each address on its own, so that one refusal is not everybody's. */
export interface Destination {
  /** Name in the configuration. */
  readonly receiver: string;
  /** Null for a webhook. */
  readonly address: string | null;
}

export function destinationsOf(notify: NotifyConfig, receiver: string): Destination[] {
  const config = notify.receivers[receiver];
  if (config === undefined) return [];
  if (config.kind !== 'mail') return [{ receiver, address: null }];
  return [...new Set(config.to)].map((address) => ({ receiver, address }));
}

/** Sends one copy, once. Never throws for what is outside: the outcome says it. */
export async function send(
  notify: NotifyConfig,
  { receiver, address }: Destination,
  message: Message,
  dropped: number,
  now: Date,
): Promise<Outcome> {
  const config = notify.receivers[receiver];
  if (config === undefined)
    return { status: 'setup', detail: `the configuration has no receiver "${receiver}"` };
  const wording: Wording = { language: notify.language, timeZone: notify.time_zone, dropped };
  try {
    if (config.kind !== 'mail')
      return await hook(config.kind, config.secret_file ?? '', message, wording, now);
    if (notify.smtp === null || address === null)
      return { status: 'setup', detail: 'the configuration has no mail server' };
    const { mailOf, sendMail } = await import('./email.ts');
    return await sendMail(mailOf(message, notify.smtp.from, config.to, wording), address, notify.smtp);
  } catch (error) {
    if (!(error instanceof OpsError)) throw error;
    return { status: 'setup', detail: describeFailure(error).text.replace(/\n\s*/g, ': ') };
  }
}

async function hook(
  kind: keyof typeof import('./hooks.ts')['HOOKS'],
  secretFile: string,
  message: Message,
  wording: Wording,
  now: Date,
): Promise<Outcome> {
  const [{ HOOKS }, { addressProblem, post }, { readSecrets }] = await Promise.all([
    import('./hooks.ts'),
    import('./webhook.ts'),
    import('./secret-file.ts'),
  ]);
  const found = await readSecrets(secretFile, ['url', 'secret', 'token']);
  const url = found.url ?? '';
  const problem = addressProblem(url);
  if (problem !== undefined) return { status: 'setup', detail: `${secretFile} ${problem}` };
  const { request, judge } = HOOKS[kind];
  // A server may repeat a part of what it was asked.
  const parts = url.split(/[/?&=]/).filter((part) => part.length >= SECRET_LENGTH);
  const secrets = [url, ...parts, found.secret ?? '', found.token ?? ''];
  return post(request(message, wording, { ...found, url }, now), judge, secrets);
}
