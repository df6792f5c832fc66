import { readFile } from 'node:fs/promises';
import { createTransport, type NodemailerError } from 'nodemailer';
import type { Message } from '../alert/message.ts';
import { oneLine } from '../alert/plain.ts';
import type { SmtpConfig } from '../config/notify-schema.ts';
import { htmlOf } from './html.ts';
import type { Outcome } from './outcome.ts';
import { readSecrets, withoutSecrets } from './secret-file.ts';
import { blocksOf, plainLines, subjectOf, type Wording } from './text.ts';

/** Below the minute after which a lease counts as abandoned. */
const CONNECT_MS = 10_000;
const SILENT_MS = 15_000;
const WHOLE_MS = 40_000;

/** The mail as data: what is sent, and what a test reads. */
export interface Mail {
  readonly from: string;
  /** Everybody it is for, as the header shows it. */
  readonly to: readonly string[];
  readonly messageId: string;
  /** The first mail of the episode, so that a mail program shows them as one thread; null in that one. */
  readonly references: string | null;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export function mailOf(message: Message, from: string, to: readonly string[], wording: Wording): Mail {
  const domain = from.split('@').at(-1) ?? 'localhost';
  const messageId = (id: string): string => `<opsctl-${id}@${domain}>`;
  const first = `${message.thread}-1`;
  const subject = subjectOf(message, wording);
  const blocks = blocksOf(message, wording);
  const isCalm = message.reason === 'resolved' || message.reason === 'test';
  return {
    from,
    to,
    messageId: messageId(message.id),
    references: message.id === first ? null : messageId(first),
    subject,
    text: `${plainLines(blocks).join('\n')}\n`,
    html: htmlOf(subject, blocks, isCalm ? 'calm' : message.severity, wording.language),
  };
}

/**
 * Sends one mail to one address. RFC 3834's Auto-Submitted keeps vacation notices away.
 * @throws OpsError when a file it needs is not as it must be.
 */
export async function sendMail(mail: Mail, address: string, smtp: SmtpConfig): Promise<Outcome> {
  const login = smtp.auth_file === null ? undefined : await readSecrets(smtp.auth_file, ['user', 'password']);
  const ca = smtp.ca_file === null ? undefined : await readFile(smtp.ca_file, 'utf8').catch(() => null);
  if (ca === null) return { status: 'setup', detail: `cannot read ${smtp.ca_file}` };
  const transport = createTransport({
    host: smtp.host,
    port: smtp.port,
    secure: smtp.tls === 'tls',
    requireTLS: smtp.tls === 'starttls',
    ignoreTLS: smtp.tls === 'none',
    tls: { minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) },
    ...(login === undefined ? {} : { auth: { user: login.user ?? '', pass: login.password ?? '' } }),
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    dnsTimeout: CONNECT_MS,
    socketTimeout: SILENT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  // A server that sends a byte now and then keeps every other limit from ending it.
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Outcome>((resolve) => {
    timer = setTimeout(
      () => resolve({ status: 'later', detail: `no answer within ${WHOLE_MS / 1000} s` }),
      WHOLE_MS,
    );
  });
  const sending = transport
    .sendMail({
      from: mail.from,
      to: [...mail.to],
      envelope: { from: mail.from, to: [address] },
      messageId: mail.messageId,
      ...(mail.references === null ? {} : { references: mail.references, inReplyTo: mail.references }),
      subject: mail.subject,
      text: mail.text,
      html: mail.html,
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    })
    .then(
      (): Outcome => ({ status: 'sent', detail: 'accepted' }),
      (error: unknown) => outcomeOf(error, Object.values(login ?? {})),
    );
  try {
    return await Promise.race([sending, late]);
  } finally {
    clearTimeout(timer);
    transport.close();
  }
}

/**
 * RFC 5321, 4.2.1: 4yz asks to try again, 5yz not to. But only what is said of the recipient or of the text is about this
 * message: a greeting, a login, a certificate or a sender that the server does not take is for a person to mend, and the
 * message is kept until then.
 */
function outcomeOf(error: unknown, secrets: readonly string[]): Outcome {
  const { code, responseCode, response, command, message } = error as Partial<NodemailerError>;
  const detail = oneLine(withoutSecrets(message ?? String(error), secrets), 200);
  const refusal = responseCode ?? 0;
  if (refusal >= 400 && refusal < 500) return { status: 'later', detail };
  if (refusal >= 500)
    return { status: isOfMessage(command, refusal, response) ? 'refused' : 'setup', detail };
  const isSetup =
    ['EAUTH', 'ENOAUTH', 'ETLS', 'ECONFIG'].includes(code ?? '') || isCertificate(code, message);
  return { status: isSetup ? 'setup' : 'later', detail };
}

/**
 * Whether a 5yz is about the message. RFC 4954, 4: 530 and 538 ask for a login first, whatever the command; 503 is of the
 * session. RFC 3463, 3.8: 5.7.x for a recipient is the server's policy, such as "Relay access denied".
 */
function isOfMessage(command = '', code: number, response = ''): boolean {
  if ([503, 530, 535, 538].includes(code)) return false;
  return command === 'DATA' || (command === 'RCPT TO' && !/^\d{3}[ -]5\.7\.\d/.test(response));
}

function isCertificate(code: string | undefined, message = ''): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code ?? '') || /certificate/i.test(message);
}
