import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from '../../src/cli.ts';
import type { Terminal } from '../../src/terminal/terminal.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'opsctl-usage-'));
});
afterAll(() => rmSync(home, { recursive: true }));

async function opsctl(argv: readonly string[]) {
  const said: string[] = [];
  const terminal: Terminal = {
    out: () => undefined,
    note: (line) => said.push(line),
    warn: (line) => said.push(line),
    style: (_, text) => text,
    width: 80,
  };
  const env = { OPSCTL_HOME: join(home, 'state'), XDG_CONFIG_HOME: home, HOME: home };
  const code = await cli(argv, fakeSystem(fakeExec({}).exec, { env }), terminal);
  return { code, said: said.join('\n') };
}

describe('a command line that cannot be', () => {
  it.each([
    [['cancel'], '"opsctl cancel" needs <run>', '"opsctl cancel --help"'],
    [['diff', 'a'], '"opsctl diff" needs <run> and <other>', '"opsctl diff --help"'],
    [['runbook', '--json', 'show'], '"opsctl runbook show" needs <fault>', '"opsctl runbook show --help"'],
    [
      ['--profile', 'x', 'runbook', 'show'],
      '"opsctl runbook show" needs <fault>',
      '"opsctl runbook show --help"',
    ],
    [['runbook', 'show'], '"opsctl runbook show" needs <fault>', '"opsctl runbook show --help"'],
    [['submit', 'sft', '--learnin_rate', '1'], 'Did you mean "learning-rate"?', '"opsctl submit sft --help"'],
    [['status', '--jsn'], 'Did you mean "json"?', '"opsctl status --help"'],
  ])('%j says what is missing or meant, and which help has it', async (argv, words, help) => {
    const { code, said } = await opsctl(argv);
    expect(code).toBe(64);
    expect(said).toContain(words);
    expect(said).toContain(`${help} shows what there is`);
  });
});

describe('names in the profile that no template has', () => {
  const profile = ['defaults: { nodes: 2, nodse: 3 }', 'phases: { sfft: { nodes: 4 }, dpo: { beeta: 1 } }'];

  it('are said by `config` with their place, each with what was meant', async () => {
    const path = join(home, 'opsctl.yaml');
    writeFileSync(
      path,
      ['version: 1', 'profiles:', '  a:', ...profile.map((line) => `    ${line}`)].join('\n'),
    );
    const { code, said } = await opsctl(['config', '--config', path]);
    expect(code).toBe(64);
    expect(said).toContain(`${path}:4: no template has a parameter "nodse". Did you mean "nodes"?`);
    expect(said).toContain(`${path}:5: there is no phase "sfft". Did you mean "sft"?`);
    expect(said).toContain(`${path}:5: no template has a parameter "beeta". Did you mean "beta"?`);
  });

  it('let nothing be submitted, also where the phase is another one', async () => {
    const path = join(home, 'phase.yaml');
    writeFileSync(path, 'version: 1\nprofiles:\n  a:\n    phases: { sfft: { nodes: 4 } }\n');
    const { code, said } = await opsctl(['config', 'dpo', '-t', 'trl', '--config', path]);
    expect(code).toBe(64);
    expect(said).toContain(`${path}:4: there is no phase "sfft". Did you mean "sft"?`);
  });
});
