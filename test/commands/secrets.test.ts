import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const OPSCTL = join(import.meta.dirname, '..', '..', 'bin', 'opsctl.cjs');
const KEY = `hf_${'a1B2'.repeat(6)}`;
let place: string;

beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'opsctl-secrets-'));
  const recipe = `phase: sft\ntrainer: trl\nmodel: ${KEY}\ndata: .\noutput: ./runs\n`;
  writeFileSync(join(place, 'r.yaml'), recipe);
});
afterAll(() => rmSync(place, { recursive: true }));

const TRL = ['sft', '-t', 'trl', '--data', '.', '--output', './runs'];

describe('a key on the command line', () => {
  it.each([
    ['render', [...TRL, '--model', 'm', '--', '--hub_token', KEY]],
    ['render', [...TRL, '--model', 'm', '--json', '--', `--hub_token=${KEY}`]],
    ['render', [...TRL, '--model', `https://user:${KEY}@host/x`]],
    ['config', [...TRL, '--model', KEY]],
    ['submit', [...TRL, '--model', 'm', '--dry-run', '--no-preflight', '--', '--hub_token', KEY]],
    ['preflight', ['--recipe', 'r.yaml']],
  ])('is refused by %s %j before anything is shown', (command, words) => {
    const env = { ...process.env, OPSCTL_HOME: join(place, 'state'), XDG_CONFIG_HOME: place };
    const said = spawnSync('node', [OPSCTL, command, ...words], { cwd: place, env, encoding: 'utf8' });
    expect(said.status, said.stderr).toBe(64);
    expect(said.stdout).toBe('');
    expect(said.stderr).toContain('looks like a secret');
    expect(said.stderr).not.toContain(KEY);
    // What is no key stays readable.
    expect(said.stderr).toContain('`export WANDB_API_KEY=…`');
  });
});
