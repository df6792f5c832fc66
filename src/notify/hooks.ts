import { createHmac } from 'node:crypto';
import type { Message } from '../alert/message.ts';
import type { ReceiverConfig } from '../config/notify-schema.ts';
import type { Outcome } from './outcome.ts';
import { blocksOf, plainLines, subjectOf, type Wording } from './text.ts';
import type { HookAnswer, HookRequest } from './webhook.ts';

/** What a 0600 file of a webhook holds. */
export type HookSecrets = Readonly<Record<'url', string> & Partial<Record<'secret' | 'token', string>>>;

/** One kind of webhook: what is posted, and what its answer means. */
export interface Hook {
  readonly request: (message: Message, wording: Wording, secrets: HookSecrets, now: Date) => HookRequest;
  readonly judge: (answer: HookAnswer) => Outcome;
}

const SLACK_LIMIT = 3000;
/** The request may have 20 KB (Feishu: "Custom bot usage guide"), 20000 bytes (DingTalk), the text 2048 bytes (WeCom). */
const FEISHU_BYTES = 15_000;
const DINGTALK_BYTES = 15_000;
const WECOM_BYTES = 2048;
const DINGTALK_PAUSE_MS = 600_000;

/** api.slack.com: incoming webhooks answer `ok`; `&`, `<` and `>` are Slack's own signs, as in `<!channel>`. */
const slack: Hook = {
  request: (message, wording, { url }) => ({
    url,
    body: { text: slackText(wholeText(message, wording)).slice(0, SLACK_LIMIT), mrkdwn: false },
  }),
  judge: ({ text, json }) =>
    text.trim() === 'ok' || json?.ok === true
      ? { status: 'sent', detail: 'ok' }
      : { status: 'setup', detail: `Slack answered ${text.slice(0, 100)}` },
};

/**
 * Feishu and Lark. The signature is an HMAC-SHA256 of nothing, with `TIMESTAMP\nSECRET` as its key, and the time is in
 * seconds. Rich text, because in plain text `<at user_id="all">` calls everybody.
 */
const feishu: Hook = {
  request: (message, wording, { url, secret }, now) => {
    const timestamp = String(Math.floor(now.getTime() / 1000));
    const lines = cut(plainLines(blocksOf(message, wording)).join('\n'), FEISHU_BYTES).split('\n');
    const content = {
      title: subjectOf(message, wording),
      content: lines.map((line) => [{ tag: 'text', text: line }]),
    };
    const post = { [wording.language === 'zh' ? 'zh_cn' : 'en_us']: content };
    const signed = secret === undefined ? {} : { timestamp, sign: hmac(`${timestamp}\n${secret}`, '') };
    return { url, body: { ...signed, msg_type: 'post', content: { post } } };
  },
  judge: (answer) =>
    coded(answer, ['code', 'StatusCode'], ['msg', 'StatusMessage'], { later: [11232, 99991400] }),
};

/** DingTalk. The signature is of `TIMESTAMP\nSECRET`, with the secret as its key, and the time is in milliseconds. */
const dingtalk: Hook = {
  request: (message, wording, { url, secret }, now) => {
    const address = new URL(url);
    if (secret !== undefined) {
      const timestamp = String(now.getTime());
      address.searchParams.set('timestamp', timestamp);
      address.searchParams.set('sign', hmac(secret, `${timestamp}\n${secret}`));
    }
    const content = cut(wholeText(message, wording), DINGTALK_BYTES);
    return { url: address.href, body: { msgtype: 'text', text: { content }, at: { isAtAll: false } } };
  },
  judge: (answer) => {
    const outcome = coded(answer, ['errcode'], ['errmsg'], { later: [-1, 130101] });
    // More than 20 a minute: the robot is held back for ten minutes.
    return answer.json?.errcode === 130101 ? { ...outcome, waitMs: DINGTALK_PAUSE_MS } : outcome;
  },
};

/** WeCom. `<@userid>` calls somebody in a text as well, so no such sign is left. */
const wecom: Hook = {
  request: (message, wording, { url }) => ({
    url,
    body: {
      msgtype: 'text',
      text: { content: cut(wholeText(message, wording).replaceAll('<@', '< @'), WECOM_BYTES) },
    },
  }),
  judge: (answer) => coded(answer, ['errcode'], ['errmsg'], { later: [-1, 45009] }),
};

/** Everything, for a program; `id` is the same when a message is sent twice. */
const json: Hook = {
  request: (message, wording, { url, token }) => ({
    url,
    headers: {
      'idempotency-key': message.id,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: {
      version: 1,
      ...message,
      state: message.reason === 'resolved' ? 'resolved' : 'firing',
      subject: subjectOf(message, wording),
      dropped: wording.dropped,
    },
  }),
  judge: ({ status }) => ({ status: 'sent', detail: `HTTP ${status}` }),
};

export const HOOKS: Readonly<Record<Exclude<ReceiverConfig['kind'], 'mail'>, Hook>> = {
  slack,
  feishu,
  lark: feishu,
  dingtalk,
  wecom,
  json,
};

function wholeText(message: Message, wording: Wording): string {
  return [subjectOf(message, wording), ...plainLines(blocksOf(message, wording))].join('\n');
}

function slackText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function hmac(key: string, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64');
}

/** As many whole lines as fit. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const lines: string[] = [];
  let left = bytes - 4;
  for (const line of text.split('\n')) {
    left -= Buffer.byteLength(line) + 1;
    if (left < 0) break;
    lines.push(line);
  }
  return [...lines, '…'].join('\n');
}

/**
 * An answer with a code: 0 is success, the given ones ask to wait, and every other one is for a person to mend (wrong
 * signature, robot deleted, keyword missing). No code at all is not the chat's answer: a proxy's, perhaps.
 */
function coded(
  { json: answer, text }: HookAnswer,
  codes: readonly string[],
  messages: readonly string[],
  { later }: { readonly later: readonly number[] },
): Outcome {
  const of = (names: readonly string[]): unknown =>
    names.map((name) => answer?.[name]).find((it) => it !== undefined);
  const code = of(codes);
  if (code === 0) return { status: 'sent', detail: String(of(messages) ?? 'ok') };
  if (typeof code !== 'number')
    return { status: 'later', detail: `an answer that is not the chat's: ${text.slice(0, 100)}` };
  return {
    status: later.includes(code) ? 'later' : 'setup',
    detail: `${code} ${String(of(messages) ?? '')}`,
  };
}
