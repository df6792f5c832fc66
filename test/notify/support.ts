import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { onTestFinished } from 'vitest';
import type { Message } from '../../src/alert/message.ts';
import { type NotifyConfig, notifySchema } from '../../src/config/notify-schema.ts';
import type { System } from '../../src/system/system.ts';
import { alertOf, START } from '../alert/support.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';

/** A directory of the test's own. */
export async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'opsctl-notify-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

export async function secretFile(text: string, mode = 0o600): Promise<string> {
  const path = join(await directory(), 'secret');
  await writeFile(path, text, { mode });
  return path;
}

/** A certificate of an authority that nobody else knows, made for this test. */
export async function certificate(): Promise<{ key: string; cert: string; caFile: string }> {
  const dir = await directory();
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      cert,
      ...subject,
    ],
    { stdio: 'ignore' },
  );
  return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8'), caFile: cert };
}

export interface ReceivedMail {
  readonly to: readonly string[];
  readonly source: string;
  readonly secure: boolean;
  readonly user: string | undefined;
}

/** A real SMTP server on this machine. */
export async function smtpServer(
  options: SMTPServerOptions = {},
): Promise<{ port: number; mails: ReceivedMail[]; close: () => Promise<void> }> {
  const mails: ReceivedMail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disableReverseLookup: true,
    hideSTARTTLS: options.cert === undefined,
    closeTimeout: 100,
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        mails.push({
          to: session.envelope.rcptTo.map(({ address }) => address),
          source: Buffer.concat(chunks).toString('utf8'),
          secure: session.secure,
          user: typeof session.user === 'string' ? session.user : undefined,
        });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  onTestFinished(close);
  return { port: (server.server.address() as AddressInfo).port, mails, close };
}

/** A real HTTP server on this machine that remembers what it was sent. */
export async function httpServer(
  answer: (request: { url: string; body: string }) => {
    status?: number;
    headers?: Record<string, string>;
    body?: string;
  },
) {
  const requests: { url: string; body: string; headers: IncomingMessage['headers'] }[] = [];
  const listener: RequestListener = async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const received = {
      url: request.url ?? '',
      body: Buffer.concat(chunks).toString(),
      headers: request.headers,
    };
    requests.push(received);
    const { status = 200, headers = {}, body = '' } = answer(received);
    response.writeHead(status, headers).end(body);
  };
  const server = createServer((request, response) => void listener(request, response));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, requests };
}

export function notifyOf(config: Record<string, unknown>): NotifyConfig {
  return notifySchema().parse(config);
}

/** Mail through a server on this machine, in the clear. */
export function mailConfig(port: number, over: Record<string, unknown> = {}): NotifyConfig {
  return notifyOf({
    smtp: { host: '127.0.0.1', port, tls: 'none', from: 'opsctl@cluster.example' },
    receivers: { oncall: { kind: 'mail', to: ['oncall@example.org'] } },
    ...over,
  });
}

export function messageOfTest(over: Partial<Message> = {}): Message {
  return {
    id: 'abc123abc123-1',
    thread: 'abc123abc123',
    reason: 'first',
    fault: 'storage-full',
    severity: 'critical',
    at: new Date(START).toISOString(),
    since: '2026-03-02T09:58:00.000Z',
    alerts: [alertOf()],
    cleared: [],
    ...over,
  };
}

/** A system with a state directory and a clock that is set by hand. */
export async function systemAt(): Promise<{ system: System; home: string; clock: { ms: number } }> {
  const home = join(await directory(), 'state');
  const clock = { ms: START };
  const system = fakeSystem(fakeExec({}).exec, { env: { OPSCTL_HOME: home }, now: () => new Date(clock.ms) });
  return { system, home, clock };
}

/** Quoted-printable as text. */
export function decoded(source: string): string {
  const bytes = source
    .replaceAll('=\r\n', '')
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}
