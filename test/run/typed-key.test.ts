import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTypedKey } from '../../src/run/typed-key.ts';
import { drawnKey } from '../support/drawn-key.ts';
import { packageLists } from '../trainer/known.ts';

const HEX = '0123456789abcdef0123456789abcdef01234567';
const KEY = 'Zq3rT9wL0vXyPd8KfA2m';

describe('a value that somebody typed', () => {
  it.each([
    ['--hub_token', `$HF_TOKEN-${KEY}`],
    ['--hub_token', `\${HF_TOKEN}${KEY}`],
    ['--hub_token', `\${HF_TOKEN:-${KEY}}`],
    ['--hub_token', `\${oc.env:HF_TOKEN,${KEY}}`],
    ['--hub_token', `$${KEY}`],
    ['--hub_token', `$(echo ${KEY})`],
    ['--hub_token', `%${KEY}`],
    ['--hub_token', '%abc'],
    ['--hub_token', '(abc)'],
    ['--hub_token', '$ecret!'],
    ['--hub_token', `<${KEY}>`],
    ['--hub_token', '{"value": "abc"}'],
    ['--report_args', `{'api_key':'${KEY}'}`],
    ['--report_args', `{"wandb": {"api_key": "abc"}}`],
    ['--report_args', `[{api_key: abc}]`],
    ['--report_args', `{"api_key": ["abc"]}`],
    ['env', `{WANDB_API_KEY:${HEX}}`],
    ['env', `{A:1,HF_TOKEN:abc}`],
    ['--env', `A=1,WANDB_API_KEY=abc`],
    ['--env', 'WANDB_API_KEY={abc}'],
    ['--url', 'https://host/x?user=me&access_token=abc'],
    ['--api_key_ref', HEX],
    ['--wandb_api_key_version', HEX],
    ['--image_token', KEY],
    ['--step_tag_token', `wandb_v1_${'a1B2_'.repeat(15)}`],
    ['--eos_token', `hf_${'a1B2'.repeat(9)}`],
    ['github_token', 'abc'],
  ])('is refused as a key: %s %s', (name, value) => {
    expect(isTypedKey(name, value)).toBe(true);
  });

  it.each([
    ['--image_token', 'IMG'],
    ['--image_token', '<image>'],
    ['--video_token', '<|video_pad|>'],
    ['--step_tag_token', '\u043a\u0438'],
    ['--reward_token', '+'],
    ['--pad_token', '<pad>'],
    ['--eos_token', '<|reserved_special_token_128|>'],
    ['--fim-middle-token', '<\uff5cfim\u2581hole\uff5c>'],
    ['--think_token', 'EndOfThinkingToken'],
    ['--hub_token', '$HF_TOKEN'],
    ['--hub_token', '${HF_TOKEN}'],
    ['--hub_token', '${HF_TOKEN:-}'],
    ['--hub_token', '${HF_TOKEN:?set it in secrets.env}'],
    ['--hub_token', '${oc.env:HF_TOKEN}'],
    ['--hub_token', '${oc.env:HF_TOKEN,null}'],
    ['--hub_token', '$(cat ~/.cache/huggingface/token)'],
    ['--hub_token', '{{ hf_token }}'],
    ['--hub_token', '<your token>'],
    ['--hub_token', '[secret]'],
    ['--hub_token', '\u2026'],
    ['--hub_token', 'None'],
    ['--api_key', 'EMPTY'],
    ['--report_args', '{"token": {"from": "vault"}}'],
    ['--report_args', '{"api_key": null, "token": "${oc.env:HF_TOKEN}"}'],
    ['env', '{HF_TOKEN:$HF_TOKEN,A:1}'],
    ['--system_prompt', 'The secret: never tell what the password: line says.'],
    ['--chat_template', "{% if token: 'x' %}{{ secret: messages }}"],
    ['--model_kwargs', `{"revision": "${HEX}"}`],
    ['--model_revision', HEX],
    ['ref', HEX],
  ])('passes when it is none: %s %s', (name, value) => {
    expect(isTypedKey(name, value)).toBe(false);
  });

  it('is refused however a key is dressed up', () => {
    const around = fc.constantFrom(
      (key: string) => key,
      (key: string) => `$${key}`,
      (key: string) => `\${${key}}`,
      (key: string) => `$HF_TOKEN${key}`,
      (key: string) => `%${key}`,
      (key: string) => `(${key})`,
      (key: string) => `<${key}>`,
      (key: string) => `[${key}]`,
      (key: string) => `{${key}}`,
      (key: string) => `{{${key}}}`,
      (key: string) => `*${key}`,
      (key: string) => `\u2026${key}`,
      (key: string) => `null${key}`,
    );
    const place = fc.constantFrom(
      (value: string) => ({ name: '--hub_token', value }),
      (value: string) => ({ name: '--swanlab_api_key', value }),
      (value: string) => ({ name: '+trainer.secret', value }),
      (value: string) => ({ name: '--env', value: `A=1,WANDB_API_KEY=${value}` }),
      (value: string) => ({ name: '--args', value: `{'api_key':'${value}'}` }),
      (value: string) => ({ name: 'env', value: `{WANDB_API_KEY:"${value}"}` }),
    );
    fc.assert(
      fc.property(drawnKey, around, place, (key, dress, put) => {
        const { name, value } = put(dress(key));
        expect(isTypedKey(name, value)).toBe(true);
      }),
    );
  });

  it('takes a time that grows with its length only', () => {
    const started = process.cpuUsage();
    for (const part of ['a=', '${', '$(', '{"token": ', "'a':", '<', 'aB1', '[('])
      isTypedKey('--hub_token', part.repeat(20_000));
    expect(process.cpuUsage(started).user).toBeLessThan(2_000_000);
  });
});

describe('every flag of every trainer', () => {
  const flags = [...new Set(packageLists.flatMap(({ list }) => Object.keys(list.flags)))];
  const tokens = flags.filter((flag) => /token/i.test(flag));
  const OF_A_HUB = new Set([
    '--hub_token',
    '--push_to_hub_token',
    '--hf_hub_token',
    '--ms_hub_token',
    '--om_hub_token',
  ]);

  it('takes what is no key, unless it is one of a hub', () => {
    expect(tokens.length).toBeGreaterThan(80);
    for (const flag of tokens.filter((one) => !OF_A_HUB.has(one)))
      for (const value of ['IMG', '<image>', '[PAD]', '+', '\u043a\u0438', '4096', '151643', 'true', 'word'])
        expect(isTypedKey(flag, value), `${flag} ${value}`).toBe(false);
  });

  it('takes no key, whatever kind of token it is for', () => {
    const single = tokens.filter(
      (flag) => /[_-]token$/i.test(flag) && !/(?:eos|bos|pad|stop)[_-]token$/.test(flag),
    );
    for (const flag of [...single, ...OF_A_HUB]) expect(isTypedKey(flag, KEY), flag).toBe(true);
  });

  it('is refused for a key of a hub or a logger by its name alone', () => {
    const named = flags.filter((flag) => isTypedKey(flag, 'abc'));
    expect(named.sort()).toEqual(
      [
        ...OF_A_HUB,
        '--aws_secret_access_key',
        '--logger.wandb.key',
        '--swanlab_api_key',
        '--swanlab_lark_secret',
      ].sort(),
    );
  });
});
