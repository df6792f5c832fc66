import { type AddressInfo, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Message } from '../../src/alert/message.ts';
import type { NotifyConfig } from '../../src/config/notify-schema.ts';
import type { Outcome } from '../../src/notify/outcome.ts';
import { send } from '../../src/notify/send.ts';
import { alertOf } from '../alert/support.ts';
import { certificate, decoded, mailConfig, messageOfTest, secretFile, smtpServer } from './support.ts';

const PASSWORD = 'correct-horse-battery';

function deliver(notify: NotifyConfig, message: Message = messageOfTest(), dropped = 0): Promise<Outcome> {
  return send(notify, { receiver: 'oncall', address: 'oncall@example.org' }, message, dropped, new Date());
}

/** A refusal as smtp-server wants it. */
function answer(responseCode: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode });
}

/** A mail's headers, unfolded, by their lower-case names. */
function headersOf(source: string): Map<string, string> {
  const head = source.slice(0, source.indexOf('\r\n\r\n')).replace(/\r\n[ \t]+/g, ' ');
  return new Map(
    head
      .split('\r\n')
      .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
}

describe('a mail', () => {
  it('says what is wrong, since when, where that stands and what to type, in plain text and HTML', async () => {
    const { port, mails } = await smtpServer();
    expect(await deliver(mailConfig(port))).toEqual({ status: 'sent', detail: 'accepted' });
    const [mail] = mails;
    const source = (mail?.source ?? '').replaceAll('=\r\n', '');
    const headers = headersOf(mail?.source ?? '');
    expect(headers.get('subject')).toBe('[opsctl] CRITICAL storage-full: sft-a');
    expect(headers.get('auto-submitted')).toBe('auto-generated');
    expect(headers.get('message-id')).toBe('<opsctl-abc123abc123-1@cluster.example>');
    expect(headers.get('content-type')).toMatch(/^multipart\/alternative/);
    expect(headers.has('references')).toBe(false);
    const [, plain = '', html = ''] = source.split(/\r\nContent-Type: text\//);
    for (const part of [plain, html]) {
      expect(part).toContain('since 2026-03-02 09:58 UTC');
      expect(part).toContain('/data/sft-a/slurm-7.out:812: OSError: [Errno 28] No space left on device');
      expect(part).toContain('opsctl prune sft-a --apply');
    }
    expect(html).toMatch(/^html/);
  });

  it('of a repeat and of the end is in the thread of the first one', async () => {
    const { port, mails } = await smtpServer();
    await deliver(mailConfig(port), messageOfTest({ id: 'abc123abc123-2', reason: 'repeat' }));
    const over = { id: 'abc123abc123-3', reason: 'resolved', alerts: [], cleared: [alertOf()] } as const;
    await deliver(mailConfig(port), messageOfTest(over));
    for (const { source } of mails) {
      expect(headersOf(source).get('references')).toBe('<opsctl-abc123abc123-1@cluster.example>');
      expect(headersOf(source).get('in-reply-to')).toBe('<opsctl-abc123abc123-1@cluster.example>');
    }
    expect(headersOf(mails[1]?.source ?? '').get('subject')).toBe('[opsctl] CLEARED storage-full: sft-a');
  });

  it('of one fault over forty runs names two of them and counts the rest', async () => {
    const { port, mails } = await smtpServer();
    const alerts = Array.from({ length: 40 }, (_, index) =>
      alertOf({ id: `s-${index}`, runs: [`sft-${index}`] }),
    );
    await deliver(mailConfig(port), messageOfTest({ alerts }), 3);
    expect(mails).toHaveLength(1);
    expect(headersOf(mails[0]?.source ?? '').get('subject')).toBe(
      '[opsctl] CRITICAL storage-full: sft-0, sft-1 and 38 more',
    );
    expect(mails[0]?.source).toContain('Runs (40)');
    expect(mails[0]?.source).toContain('3 earlier message(s)');
  });

  it('is in Chinese where the configuration says so', async () => {
    const { port, mails } = await smtpServer();
    await deliver(mailConfig(port, { language: 'zh', time_zone: 'Asia/Shanghai' }));
    const plain = decoded(mails[0]?.source ?? '');
    expect(plain).toContain('新告警。 storage-full, 开始于 2026-03-02 17:58 GMT+8');
    expect(plain).toContain('请输入:');
  });

  it('has no header, no markup and no control code of a hostile fault, run, node, evidence or command', async () => {
    const { port, mails } = await smtpServer();
    const nasty = fc.oneof(
      fc.constantFrom(
        'x\r\nBcc: thief@example.org',
        'x\nBcc: thief@example.org\n\nbody',
        '\u001b[31mred\u001b]0;title\u0007',
        '<script>alert(1)</script><img src=x onerror=y>',
        '"><b>&amp;',
        '\u202egnp.exe\u2028Bcc: thief@example.org',
        '=?utf-8?q?=0D=0ABcc:_thief@example.org?=',
        '\ud800',
        '.\r\nQUIT\r\n',
        '‮中文',
      ),
      fc.string({ unit: 'binary', maxLength: 60 }),
    );
    await fc.assert(
      fc.asyncProperty(nasty, nasty, nasty, nasty, async (fault, run, text, command) => {
        mails.length = 0;
        const evidence = [{ file: text, line: 1, text }];
        const alert = alertOf({ fault, runs: [run], nodes: [run], summary: text, command, evidence });
        expect((await deliver(mailConfig(port), messageOfTest({ fault, alerts: [alert] }))).status).toBe(
          'sent',
        );
        const { source, to } = mails[0] ?? { source: '', to: [] };
        const names = [...headersOf(source).keys()].sort();
        expect(to).toEqual(['oncall@example.org']);
        expect(names).toEqual([
          'auto-submitted',
          'content-type',
          'date',
          'from',
          'message-id',
          'mime-version',
          'subject',
          'to',
          'x-auto-response-suppress',
        ]);
        const { mailOf } = await import('../../src/notify/email.ts');
        const wording = { language: 'en', timeZone: 'UTC', dropped: 0 } as const;
        const mail = mailOf(
          messageOfTest({ fault, alerts: [alert] }),
          'a@b.example',
          ['c@d.example'],
          wording,
        );
        for (const part of [mail.text, mail.html, mail.subject])
          expect(part).not.toMatch(
            /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u2028\u2029]/,
          );
        expect(mail.subject).not.toContain('\n');
        const tags = [...mail.html.matchAll(/<\/?([a-z0-9!]+)/gi)].map(([, tag]) => tag?.toLowerCase());
        const ours = [
          '!doctype',
          'html',
          'head',
          'meta',
          'title',
          'style',
          'body',
          'main',
          'h1',
          'h2',
          'p',
          'ul',
          'li',
          'pre',
        ];
        expect(tags.filter((tag) => !ours.includes(tag ?? ''))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a mail server', () => {
  it('with STARTTLS and a login gets the password over TLS alone', async () => {
    const { key, cert, caFile } = await certificate();
    const { port, mails } = await smtpServer({
      key,
      cert,
      authOptional: false,
      onAuth: ({ username, password }, _session, done) =>
        username === 'ops' && password === PASSWORD
          ? done(null, { user: 'ops' })
          : done(answer(535, 'Authentication failed')),
    });
    const authFile = await secretFile(`# of the relay\nuser=ops\npassword=${PASSWORD}\n`);
    const smtp = {
      host: '127.0.0.1',
      port,
      tls: 'starttls',
      from: 'opsctl@cluster.example',
      auth_file: authFile,
    };
    expect(await deliver(mailConfig(port, { smtp: { ...smtp, ca_file: caFile } }))).toMatchObject({
      status: 'sent',
    });
    expect(mails[0]).toMatchObject({ secure: true, user: 'ops' });
    // An authority that nobody knows, and a wrong password: for a person to mend, and no secret is told.
    const unknown = await deliver(mailConfig(port, { smtp }));
    expect(unknown).toMatchObject({ status: 'setup', detail: expect.stringMatching(/certificate/) });
    const wrong = await secretFile('user=ops\npassword=wrong-password\n');
    const refused = await deliver(mailConfig(port, { smtp: { ...smtp, ca_file: caFile, auth_file: wrong } }));
    expect(refused).toMatchObject({
      status: 'setup',
      detail: expect.stringContaining('Authentication failed'),
    });
    expect(JSON.stringify([unknown, refused])).not.toMatch(/correct-horse|wrong-password/);
  });

  it('without STARTTLS gets nothing when the configuration asks for it', async () => {
    const { port, mails } = await smtpServer();
    const smtp = { host: '127.0.0.1', port, from: 'opsctl@cluster.example' };
    expect((await deliver(mailConfig(port, { smtp }))).status).not.toBe('sent');
    expect(mails).toEqual([]);
  });

  it.each([
    ['greylists', 'later', { onRcptTo: (_a, _s, done) => done(answer(451, 'Greylisted, try again')) }],
    [
      'is too busy for a connection',
      'later',
      { onConnect: (_s, done) => done(answer(421, 'Too many connections')) },
    ],
    ['knows no such person', 'refused', { onRcptTo: (_a, _s, done) => done(answer(550, 'No such user')) }],
    [
      'takes the mail for spam',
      'refused',
      {
        onData: (stream, _s, done) => {
          stream.resume();
          stream.on('end', () => done(answer(554, 'Spam')));
        },
      },
    ],
    [
      'wants no mail from this machine',
      'setup',
      { onConnect: (_s, done) => done(answer(554, 'No SMTP service here')) },
    ],
    [
      'does not take the sender',
      'setup',
      { onMailFrom: (_a, _s, done) => done(answer(550, '5.1.8 Sender rejected')) },
    ],
    [
      'wants a login first',
      'setup',
      { onRcptTo: (_a, _s, done) => done(answer(530, '5.7.0 Authentication required')) },
    ],
    [
      'relays nothing from here',
      'setup',
      { onRcptTo: (_a, _s, done) => done(answer(554, '5.7.1 Relay access denied')) },
    ],
  ] satisfies [string, string, Parameters<typeof smtpServer>[0]][])(
    'that %s is %s',
    async (_, status, options) => {
      const { port } = await smtpServer(options);
      expect(await deliver(mailConfig(port))).toMatchObject({ status });
    },
  );

  it('that takes neither EHLO nor HELO, or has STARTTLS and no TLS, is for a person to mend', async () => {
    const talk = async (answers: Readonly<Record<string, string>>, tls: string) => {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.write('220 mail.example\r\n');
        socket.on('data', (chunk) => {
          const [word = ''] = chunk.toString().split(/\s/);
          socket.write(answers[word] ?? '502 5.5.1 Command not implemented\r\n');
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
      onTestFinished(() => void server.close());
      const { port } = server.address() as AddressInfo;
      const smtp = { host: '127.0.0.1', port, tls, from: 'opsctl@cluster.example' };
      return deliver(mailConfig(port, { smtp }));
    };
    expect(await talk({}, 'none')).toMatchObject({ status: 'setup' });
    const greeting = { EHLO: '250-mail.example\r\n250 STARTTLS\r\n' };
    expect(await talk({ ...greeting, STARTTLS: '554 5.7.3 No TLS today\r\n' }, 'starttls')).toMatchObject({
      status: 'setup',
    });
  });

  it('that dies in the middle of the mail, or is not there, is tried again', async () => {
    const { port } = await smtpServer({
      onData: (_stream, session) => {
        void session;
        for (const socket of sockets) socket.destroy();
      },
    });
    const sockets = new Set<Socket>();
    const proxy = createServer((client) => {
      const upstream = new (client.constructor as new () => Socket)().connect(port, '127.0.0.1');
      for (const socket of [client, upstream]) socket.on('error', () => undefined);
      sockets.add(client);
      client.pipe(upstream).pipe(client);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', () => resolve()));
    const proxied = (proxy.address() as AddressInfo).port;
    expect(await deliver(mailConfig(proxied))).toMatchObject({ status: 'later' });
    await new Promise((resolve) => proxy.close(resolve));
    expect(await deliver(mailConfig(proxied))).toMatchObject({
      status: 'later',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('that says nothing is given up within its time', async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', () => resolve()));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    const start = performance.now();
    expect(await deliver(mailConfig((silent.address() as AddressInfo).port))).toMatchObject({
      status: 'later',
    });
    expect(performance.now() - start).toBeLessThan(15_000);
  });

  it('is not asked when the file with the password can be read by others', async () => {
    const { port, mails } = await smtpServer();
    const authFile = await secretFile(`user=ops\npassword=${PASSWORD}\n`, 0o640);
    const smtp = { host: '127.0.0.1', port, tls: 'starttls', from: 'a@b.example', auth_file: authFile };
    expect(await deliver(mailConfig(port, { smtp }))).toEqual({
      status: 'setup',
      detail: `${authFile} has mode 0640: others could read it: chmod 600 ${authFile}`,
    });
    const odd = await secretFile(`user=ops\n${PASSWORD}\n`);
    const problem = await deliver(mailConfig(port, { smtp: { ...smtp, auth_file: odd } }));
    expect(problem.detail).toBe(`${odd}:2: expected one of user=…, password=…`);
    expect(mails).toEqual([]);
  });
});
