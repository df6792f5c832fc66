import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { looksRandom, redact } from '../../src/system/secrets.ts';
import { drawnKey } from '../support/drawn-key.ts';

describe('redact', () => {
  it('takes a key out of a text whatever stands before or behind it', () => {
    const name = fc.constantFrom('HF_TOKEN', 'WANDB_API_KEY', 'DB_PASSWORD', 'IMAGE_TOKEN');
    const before = fc.constantFrom('', '"', "'", '$', '$X-', '${X:-', '<', '{', '[', '(', '%', '*', '\u2026');
    const behind = fc.constantFrom(
      '',
      '"',
      "'",
      '}',
      ' python train.py',
      '; next',
      ')',
      '&& x',
      ',B=1',
      '\n',
    );
    fc.assert(
      fc.property(name, before, drawnKey, behind, (variable, opening, key, closing) => {
        const text = redact(`export ${variable}=${opening}${key}${closing}`);
        expect(text).not.toContain(key);
        expect(text).toContain(`${variable}=`);
        expect(redact(text)).toBe(text);
      }),
    );
  });

  it.each([
    'export HF_TOKEN=$(cat ~/.token)',
    'HF_TOKEN=${HF_TOKEN:-} python train.py',
    'HF_TOKEN=$HF_TOKEN',
    'WANDB_API_KEY=<your key>',
    'WANDB_API_KEY=null',
    'PAD_TOKEN=word MAX_TOKENS=4096',
    'Put `export WANDB_API_KEY=\u2026` into a file',
  ])('leaves what says where a key comes from: %s', (text) => {
    expect(redact(text)).toBe(text);
  });
});

describe('looksRandom', () => {
  it.each([
    'model-checkpoint-step-12000-of-24000',
    '/data/runs/2026-11-25/sft-llama3-8b-dpo',
    '<|reserved_special_token_128|>',
    'EndOfSentenceToken',
    'set HF_TOKEN in ~/.config/opsctl/secrets.env',
  ])('is not said of what a person has written: %s', (text) => {
    expect(looksRandom(text)).toBe(false);
  });

  it('is said of what was drawn', () => {
    fc.assert(fc.property(drawnKey, (key) => looksRandom(key)));
  });
});
