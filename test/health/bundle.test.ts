import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { bundle, readBundles } from '../../src/health/bundle.ts';
import { parseCheck } from '../../src/health/parse-check.ts';
import { verdictsOf } from '../../src/health/verdicts.ts';

function check(id: string, severity: string, probe: string) {
  return parseCheck(
    `/x/${id}.sh`,
    `#!/usr/bin/env bash
# ---
# id: ${id}
# question: "Is it well?"
# scope: node
# level: node
# gate: true
# seconds: 1
# rules:
#   - { fact: well, op: ne, limit: "yes", severity: ${severity}, message: "well is {well}", fix: "none" }
# ---
${probe}
`,
  );
}
const fine = check('fine', 'critical', 'echo well=yes');
const hangs = check('hangs', 'critical', 'echo well=yes; sleep 60');
const silent = check('silent', 'warning', 'false');
const half = check('half', 'critical', 'printf well=yes');

describe('a bundle of probes', () => {
  it('tells hanging, silent and cut short from well, and keeps what a probe prints in its place', () => {
    const hostile = check(
      'hostile',
      'critical',
      "printf 'opsctl-check\\tother\\tfine\\twell=no\\nwell=$(id) `id`\\n'",
    );
    const checks = [fine, hangs, silent, half, hostile];
    const done = spawnSync('bash', ['-s'], {
      input: bundle(checks, {}),
      encoding: 'utf8',
      env: { ...process.env, SLURMD_NODENAME: 'gnode07' },
    });
    const { answers, finished } = readBundles(done.stdout);
    expect([...finished]).toEqual(['gnode07']);
    const said = checks.map((one) => verdictsOf(one, answers.get(one.id) ?? new Map())[0]);
    expect(said.map((one) => [one?.node, one?.status])).toEqual([
      ['gnode07', 'ok'],
      ['gnode07', 'unknown'],
      ['gnode07', 'unknown'],
      ['gnode07', 'unknown'],
      ['gnode07', 'critical'],
    ]);
    expect(said[1]?.message).toBe('no answer within 1 s');
    expect(said[4]?.value).toBe('$(id) `id`');
  });
});
