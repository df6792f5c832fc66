import { createHmac } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { beat } from '../../src/notify/heartbeat.ts';
import type { Outcome } from '../../src/notify/outcome.ts';
import { send } from '../../src/notify/send.ts';
import { alertOf } from '../alert/support.ts';
import { directory, httpServer, messageOfTest, notifyOf, secretFile, systemAt } from './support.ts';

const NOW = new Date('2026-03-02T10:00:00.500Z');
const KEY = '0123456789abcdef0123456789abcdef';

type Answer = Parameters<typeof httpServer>[0];

/** Posts to a stand-in for a chat's own server; the answers below are those that its documentation shows. */
async function posted(kind: string, answer: ReturnType<Answer>, extra = '', message = messageOfTest()) {
  const server = await httpServer(() => answer);
  const file = await secretFile(`url=${server.url}/hook/${KEY}?access_token=${KEY}\n${extra}`);
  const notify = notifyOf({ receivers: { chat: { kind, secret_file: file } } });
  const outcome: Outcome = await send(notify, { receiver: 'chat', address: null }, message, 0, NOW);
  expect(outcome.detail).not.toContain(KEY);
  const [request] = server.requests;
  return { outcome, request, body: JSON.parse(request?.body ?? 'null') };
}

const json = (value: unknown) => ({ body: JSON.stringify(value) });

describe('stand-ins for the chats, answering as their documentation shows', () => {
  it('Slack gets text in which nobody is called', async () => {
    const alert = alertOf({ summary: '<!channel> & <script>' });
    const { outcome, body } = await posted('slack', { body: 'ok' }, '', messageOfTest({ alerts: [alert] }));
    expect(outcome.status).toBe('sent');
    expect(body.text).toContain('[opsctl] CRITICAL storage-full: sft-a');
    expect(body.text).toContain('&lt;!channel&gt; &amp; &lt;script&gt;');
    expect(body.text).toContain('opsctl prune sft-a --apply');
  });

  it('Feishu gets rich text, signed with the time in seconds', async () => {
    const { outcome, body } = await posted(
      'feishu',
      json({ StatusCode: 0, StatusMessage: 'success', code: 0, msg: 'success' }),
      'secret=demo',
    );
    expect(outcome).toEqual({ status: 'sent', detail: 'success' });
    expect(body.timestamp).toBe('1772445600');
    expect(body.sign).toBe(createHmac('sha256', `${body.timestamp}\ndemo`).update('').digest('base64'));
    expect(body.content.post.en_us.title).toBe('[opsctl] CRITICAL storage-full: sft-a');
    expect(body.content.post.en_us.content.every(([part]: { tag: string }[]) => part?.tag === 'text')).toBe(
      true,
    );
  });

  it('DingTalk gets a text, signed in the address with the time in milliseconds', async () => {
    const { outcome, request, body } = await posted(
      'dingtalk',
      json({ errcode: 0, errmsg: 'ok' }),
      'secret=SECdemo',
    );
    expect(outcome).toEqual({ status: 'sent', detail: 'ok' });
    const { searchParams } = new URL(request?.url ?? '', 'http://x');
    const expected = createHmac('sha256', 'SECdemo').update('1772445600500\nSECdemo').digest('base64');
    expect([searchParams.get('timestamp'), searchParams.get('sign')]).toEqual(['1772445600500', expected]);
    expect(searchParams.get('access_token')).toBe(KEY);
    expect(body).toMatchObject({ msgtype: 'text', at: { isAtAll: false } });
  });

  it('WeCom gets at most 2048 bytes in which nobody is called', async () => {
    const evidence = Array.from({ length: 12 }, () => ({
      file: null,
      line: null,
      text: `<@all> ${'磁盘已满'.repeat(80)}`,
    }));
    const { outcome, body } = await posted(
      'wecom',
      json({ errcode: 0, errmsg: 'ok' }),
      '',
      messageOfTest({ alerts: [alertOf({ evidence })] }),
    );
    expect(outcome.status).toBe('sent');
    expect(Buffer.byteLength(body.text.content)).toBeLessThanOrEqual(2048);
    expect(body.text.content).not.toContain('<@');
    expect(body.text.content).toContain('CRITICAL storage-full');
  });

  it('a program gets the whole message as JSON, with a key that is the same when it comes twice', async () => {
    const { outcome, request, body } = await posted('json', { status: 204 }, 'token=abcdef');
    expect(outcome.status).toBe('sent');
    expect(request?.headers).toMatchObject({
      authorization: 'Bearer abcdef',
      'idempotency-key': 'abc123abc123-1',
    });
    expect(body).toMatchObject({
      version: 1,
      id: 'abc123abc123-1',
      state: 'firing',
      fault: 'storage-full',
      alerts: [{ runs: ['sft-a'] }],
    });
  });

  it.each([
    [
      'feishu',
      { code: 19021, msg: 'sign match fail or timestamp is not within one hour from current time' },
      'setup',
    ],
    ['feishu', { code: 19024, msg: 'Key Words Not Found' }, 'setup'],
    ['lark', { code: 11232, msg: 'frequency limited psm[lark.oapi.app_platform_runtime]' }, 'later'],
    ['dingtalk', { errcode: 310000, errmsg: 'sign not match' }, 'setup'],
    ['dingtalk', { errcode: -1, errmsg: 'system busy' }, 'later'],
    ['wecom', { errcode: 93000, errmsg: 'invalid webhook url' }, 'setup'],
    ['wecom', { errcode: 45009, errmsg: 'api freq out of limit' }, 'later'],
    ['wecom', { hello: 'this is the proxy' }, 'later'],
  ])('%s that says no with HTTP 200 (%j) has not got it: %s', async (kind, answer, status) => {
    expect((await posted(kind, json(answer))).outcome.status).toBe(status);
  });

  it('DingTalk that is asked too often is left alone for ten minutes', async () => {
    const answer = json({ errcode: 130101, errmsg: 'send too fast, exceed 20 times per minute' });
    expect((await posted('dingtalk', answer)).outcome).toMatchObject({ status: 'later', waitMs: 600_000 });
  });
});

describe('a webhook', () => {
  it.each([
    [500, 'later'],
    [503, 'later'],
    [429, 'later'],
    [400, 'refused'],
    [403, 'setup'],
    [404, 'setup'],
    [410, 'setup'],
  ])('that answers %i is %s', async (status, expected) => {
    expect((await posted('json', { status, body: `sorry, ${KEY}` })).outcome.status).toBe(expected);
  });

  it('says how long to wait, in seconds or as a date', async () => {
    const wait = async (value: string) =>
      (await posted('json', { status: 429, headers: { 'retry-after': value } })).outcome.waitMs ?? -1;
    expect(await wait('120')).toBe(120_000);
    expect(await wait(new Date(Date.now() + 60_000).toUTCString())).toBeGreaterThan(50_000);
    expect(await wait('99999999')).toBe(3_600_000);
    expect(await wait('nonsense')).toBe(-1);
  });

  it('that redirects is not followed', async () => {
    const elsewhere = await httpServer(() => ({ body: 'ok' }));
    const { outcome } = await posted('slack', { status: 307, headers: { location: elsewhere.url } });
    expect(outcome).toEqual({ status: 'setup', detail: 'HTTP 307: it redirects, which is not followed' });
    expect(elsewhere.requests).toEqual([]);
  });

  it('that is not there, or hangs, is tried again', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', () => resolve()));
    onTestFinished(() => void silent.close());
    const port = (silent.address() as AddressInfo).port;
    const at = async (url: string) =>
      send(
        notifyOf({ receivers: { chat: { kind: 'json', secret_file: await secretFile(`url=${url}`) } } }),
        { receiver: 'chat', address: null },
        messageOfTest(),
        0,
        NOW,
      );
    expect(await at(`http://127.0.0.1:${port}/${KEY}`)).toEqual({
      status: 'later',
      detail: 'no answer within 15 s',
    });
    expect(await at(`http://127.0.0.1:1/${KEY}`)).toMatchObject({
      status: 'later',
      detail: expect.stringMatching(/^no connection/),
    });
  });

  it.each([
    [
      'url=http://hooks.example.org/x',
      'has a url that is not https: its secret would go over the net in the clear',
    ],
    ['url=not a url at all', 'has a url that is none'],
    ['secret=x', 'has no url=…'],
  ])('whose file says %j is not asked', async (text, problem) => {
    const file = await secretFile(text);
    const notify = notifyOf({ receivers: { chat: { kind: 'slack', secret_file: file } } });
    const outcome = await send(notify, { receiver: 'chat', address: null }, messageOfTest(), 0, NOW);
    expect(outcome).toEqual({ status: 'setup', detail: `${file} ${problem}` });
  });
});

describe('a heartbeat', () => {
  it('is a file whose time is that of the last look, and a call', async () => {
    const server = await httpServer(() => ({ body: 'OK' }));
    const file = join(await directory(), 'beat');
    const urlFile = await secretFile(`url=${server.url}/ping/${KEY}`);
    const notify = notifyOf({ receivers: {}, heartbeat: { file, url_file: urlFile } });
    const { system } = await systemAt();
    expect((await beat(system, notify)).map(({ kind, status }) => [kind, status])).toEqual([
      ['file', 'sent'],
      ['url', 'sent'],
    ]);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
      at: '2026-03-02T10:00:00.000Z',
      pid: process.pid,
    });
    expect(Date.now() - (await stat(file)).mtimeMs).toBeLessThan(60_000);
    expect(server.requests[0]?.url).toBe(`/ping/${KEY}`);
  });

  it('that cannot be given is told, and stops nothing', async () => {
    const urlFile = await secretFile('url=http://127.0.0.1:1/x', 0o644);
    const notify = notifyOf({ receivers: {}, heartbeat: { file: '/nonexistent/beat', url_file: urlFile } });
    const beats = await beat((await systemAt()).system, notify);
    expect(beats.map(({ status }) => status)).toEqual(['setup', 'setup']);
    expect(beats[0]?.detail).toContain('cannot write /nonexistent/beat');
    expect(await beat((await systemAt()).system, notifyOf({ receivers: {} }))).toEqual([]);
  });
});
