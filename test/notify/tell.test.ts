import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Alert } from '../../src/alert/alert.ts';
import type { NotifyConfig } from '../../src/config/notify-schema.ts';
import { MAX_PENDING, tooMuch } from '../../src/notify/next.ts';
import { type Entry, openOutbox, put } from '../../src/notify/outbox.ts';
import { tell } from '../../src/notify/tell.ts';
import { ALERTS, alertOf, HOUR, MINUTE, START } from '../alert/support.ts';
import {
  decoded,
  httpServer,
  mailConfig,
  messageOfTest,
  notifyOf,
  secretFile,
  smtpServer,
  systemAt,
} from './support.ts';

async function teller(notify: NotifyConfig) {
  const { system, home, clock } = await systemAt();
  const look = async (atMs: number, alerts: readonly Alert[]) => {
    clock.ms = START + atMs;
    const { deliveries } = await tell(system, { alerts, blind: [] }, { alerts: ALERTS, notify });
    return deliveries.map(({ status, detail }) => `${status}: ${detail}`);
  };
  const files = (name: string) => readdir(join(home, 'alerts', 'outbox', name));
  return { system, home, look, files };
}

const subjectsOf = (mails: readonly { source: string }[]) =>
  mails.map(({ source }) => /^Subject: (.*)$/m.exec(source)?.[1]?.trim());

describe('telling', () => {
  it('sends the first mail, the repeat and the end, and nothing in between', async () => {
    const { port, mails } = await smtpServer();
    const { look, files } = await teller(mailConfig(port));
    for (const [atMs, alerts] of [
      [0, [alertOf()]],
      [MINUTE, [alertOf()]],
      [4 * HOUR, [alertOf()]],
      [5 * HOUR, []],
      [6 * HOUR, []],
      [7 * HOUR, []],
    ] as const)
      await look(atMs, alerts);
    expect(subjectsOf(mails)).toEqual([
      '[opsctl] CRITICAL storage-full: sft-a',
      '[opsctl] CRITICAL storage-full: sft-a',
      '[opsctl] CLEARED storage-full: sft-a',
    ]);
    expect(await files('pending')).toEqual([]);
  });

  it('tells a receiver that is added later what was seen while nobody was to be told', async () => {
    const { port, mails } = await smtpServer();
    const { system, clock } = await systemAt();
    const tellAt = (atMs: number, notify: NotifyConfig | null) => {
      clock.ms = START + atMs;
      return tell(system, { alerts: [alertOf()], blind: [] }, { alerts: ALERTS, notify });
    };
    await tellAt(0, null);
    await tellAt(MINUTE, null);
    await tellAt(2 * MINUTE, mailConfig(port));
    await tellAt(3 * MINUTE, null);
    await tellAt(4 * MINUTE, mailConfig(port));
    expect(subjectsOf(mails)).toEqual(['[opsctl] CRITICAL storage-full: sft-a']);
  });

  it('sends each receiver what is severe enough for it, and each address its own copy', async () => {
    const { port, mails } = await smtpServer({
      onRcptTo: ({ address }, _session, done) =>
        address === 'gone@example.org'
          ? done(Object.assign(new Error('No such user'), { responseCode: 550 }))
          : done(),
    });
    const to = ['gone@example.org', 'here@example.org'];
    const receivers = {
      all: { kind: 'mail', to, severity: 'warning' },
      night: { kind: 'mail', to: ['night@example.org'], severity: 'critical' },
    };
    const { look } = await teller(mailConfig(port, { receivers }));
    expect((await look(0, [alertOf({ severity: 'warning' })])).sort()).toEqual([
      expect.stringMatching(/^dropped: refused: .*No such user/),
      'sent: accepted',
    ]);
    await look(MINUTE, [alertOf()]);
    expect(mails.map((mail) => mail.to[0]).sort()).toEqual([
      'here@example.org',
      'here@example.org',
      'night@example.org',
    ]);
  });

  it('keeps what a dead server does not take, in order, and sends it when the server is back', async () => {
    const down = await smtpServer();
    await down.close();
    const { look, files, system } = await teller(mailConfig(down.port));
    expect(await look(0, [alertOf()])).toEqual([expect.stringMatching(/^waiting: .*ECONNREFUSED/)]);
    // Not asked again before its time; a second message waits behind the first.
    await look(10, [alertOf(), alertOf({ id: 'n', fault: 'node-down' })]);
    expect(await files('pending')).toHaveLength(2);
    // A repeat says nothing that what waits does not say.
    await look(5 * HOUR, [alertOf(), alertOf({ id: 'n', fault: 'node-down' })]);
    expect(await files('pending')).toHaveLength(2);
    const up = await smtpServer();
    const alerts = [alertOf(), alertOf({ id: 'n', fault: 'node-down' })];
    const later = { ...system, now: () => new Date(START + 7 * HOUR) };
    await tell(later, { alerts, blind: [] }, { alerts: ALERTS, notify: mailConfig(up.port) });
    expect(subjectsOf(up.mails)).toEqual([
      '[opsctl] CRITICAL storage-full: sft-a',
      '[opsctl] CRITICAL node-down: sft-a',
    ]);
    expect(await files('pending')).toEqual([]);
  });

  it('drops the mildest when too much waits, and says so with the next message', async () => {
    const { port, mails } = await smtpServer();
    const { home, look } = await teller(mailConfig(port));
    await look(0, []);
    const outbox = await openOutbox(join(home, 'alerts'));
    const old = messageOfTest({ at: new Date(START - 80 * HOUR).toISOString() });
    await put(outbox, { receiver: 'oncall', address: 'oncall@example.org' }, old);
    expect(await look(MINUTE, [alertOf()])).toEqual([
      'dropped: not delivered within 72 hours: never tried',
      'sent: accepted',
    ]);
    expect(decoded(mails[0]?.source ?? '')).toContain(
      '1 earlier message(s) to this receiver could not be delivered',
    );
    await look(5 * HOUR, [alertOf()]);
    expect(mails).toHaveLength(2);
    expect(mails[1]?.source).not.toContain('earlier message');
  });

  it('does not take a broken file for an empty one, and lets others read nothing', async () => {
    const server = await httpServer(() => ({}));
    const file = await secretFile(`url=${server.url}/x`);
    const { look, home } = await teller(
      notifyOf({ receivers: { chat: { kind: 'json', secret_file: file } } }),
    );
    await look(0, [
      alertOf({ evidence: [{ file: null, line: null, text: 'HF_TOKEN=hf_abcdefghijklmnop' }] }),
    ]);
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.body).not.toContain('hf_abcdefghijklmnop');
    for (const name of await readdir(home, { recursive: true })) {
      const { mode } = await stat(join(home, name));
      expect(mode & 0o077, name).toBe(0);
    }
    const state = join(home, 'alerts', 'state.json');
    expect(await readFile(state, 'utf8')).not.toContain('hf_abcdefghijklmnop');
    await writeFile(state, '{"half":');
    await expect(look(MINUTE, [alertOf()])).rejects.toThrow(`${state} is not what opsctl wrote`);
  });
});

it('more than can wait loses repeats and mild ones first', () => {
  const entry = (index: number, severity: 'info' | 'critical', reason: 'first' | 'repeat'): Entry => ({
    receiver: 'chat',
    address: null,
    message: messageOfTest({ id: `a-${index}`, severity, reason }),
    attempts: 0,
    interrupted: 0,
    startedAt: null,
    nextAt: null,
    lastDetail: null,
  });
  const many = Array.from({ length: MAX_PENDING }, (_, index) => entry(index, 'critical', 'first'));
  const extra = [entry(-1, 'critical', 'repeat'), entry(-2, 'info', 'first')];
  const dropped = tooMuch([...extra, ...many], new Date(START));
  expect([...dropped.keys()]).toEqual(extra);
});
