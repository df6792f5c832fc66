import * as z from 'zod/mini';
import { timeZone } from './alerts-schema.ts';

/** Made when a file has the section: a command that tells nobody does not wait for it. */
export function notifySchema() {
  const absolutePath = z
    .string()
    .check(z.regex(/^\/[^\u0000-\u001f\u007f]*$/, 'expected an absolute path, beginning with "/"'));
  const address = z
    .string()
    .check(
      z.regex(
        /^[^\s<>,;:"'()[\]\\@\u0000-\u001f]+@[A-Za-z0-9.-]+$/,
        'expected a mail address, such as me@example.org',
      ),
    );
  const orNull = <T extends z.core.$ZodType>(schema: T, description: string) =>
    z._default(z.nullable(schema), null).check(z.describe(description));

  const smtp = z
    .strictObject({
      host: z
        .string()
        .check(z.regex(/^[A-Za-z0-9._:-]+$/, 'expected the name or address of a host'))
        .check(z.describe('The mail server, such as smtp.example.org')),
      port: z
        ._default(z.int().check(z.minimum(1), z.maximum(65_535)), 587)
        .check(z.describe('587 with starttls, 465 with tls, 25 with none')),
      tls: z
        ._default(z.enum(['starttls', 'tls', 'none']), 'starttls')
        .check(z.describe('starttls and tls refuse a server without; none sends in the clear')),
      from: address.check(z.describe('Sender of the mails')),
      auth_file: orNull(absolutePath, 'A file of mode 0600 with user=… and password=…; null: no login'),
      ca_file: orNull(absolutePath, "Certificates of the site's own authority, in PEM"),
    })
    .check(
      z.refine((value) => value.auth_file === null || value.tls !== 'none', {
        error: 'expected starttls or tls: auth_file would send the password in the clear',
        path: ['tls'],
      }),
    );

  const receiver = z
    .strictObject({
      kind: z
        .enum(['mail', 'slack', 'feishu', 'lark', 'dingtalk', 'wecom', 'json'])
        .check(z.describe('mail, a chat with its own form, or json: a POST with one JSON document')),
      severity: z
        ._default(z.enum(['info', 'warning', 'critical']), 'warning')
        .check(z.describe('Gets messages of this severity and worse')),
      to: z._default(z.array(address), []).check(z.describe('Addresses, for mail')),
      secret_file: orNull(
        absolutePath,
        'A file of mode 0600 with url=… and, where the chat signs, secret=…; token=… for json',
      ),
    })
    .check(
      z.refine((value) => value.kind !== 'mail' || value.to.length > 0, {
        error: 'expected at least one address for mail',
        path: ['to'],
      }),
      z.refine((value) => value.kind === 'mail' || value.secret_file !== null, {
        error: 'expected the file that holds the address of the webhook',
        path: ['secret_file'],
      }),
    );

  const heartbeat = z.strictObject({
    file: orNull(absolutePath, 'Written anew after every look; its age says how long nobody has looked'),
    url_file: orNull(
      absolutePath,
      'A file of mode 0600 with url=…, called after every look (healthchecks.io and its like)',
    ),
  });

  return z
    .strictObject({
      language: z._default(z.enum(['en', 'zh']), 'en').check(z.describe('Language of the messages')),
      time_zone: z._default(timeZone, 'UTC').check(z.describe('In which times are written')),
      smtp: orNull(smtp, 'The mail server; needed by receivers of the kind mail'),
      receivers: z
        .record(
          z.string().check(z.regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'expected a name: a-z, 0-9 and "-"')),
          receiver,
        )
        .check(z.describe('Who is told, each under a name of its own')),
      heartbeat: orNull(heartbeat, 'How silence is told from health'),
    })
    .check(
      z.refine((value) => value.smtp !== null || Object.values(value.receivers).every(isNoMail), {
        error: 'expected the mail server: a receiver is of the kind mail',
        path: ['smtp'],
      }),
    );
}

function isNoMail({ kind }: { readonly kind: string }): boolean {
  return kind !== 'mail';
}

export type NotifyConfig = z.infer<ReturnType<typeof notifySchema>>;
export type SmtpConfig = NonNullable<NotifyConfig['smtp']>;
export type ReceiverConfig = NotifyConfig['receivers'][string];
