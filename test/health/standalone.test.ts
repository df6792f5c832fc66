import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { bundle, readBundles } from '../../src/health/bundle.ts';
import { loadChecks } from '../../src/health/catalogue.ts';
import { parseCheck } from '../../src/health/parse-check.ts';
import { isStandalone, standalone } from '../../src/health/standalone.ts';
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
const warning = check('warns', 'warning', 'echo well=no');
const critical = check('breaks', 'critical', 'echo well=no');
const hangs = check('hangs', 'critical', 'echo well=yes; sleep 60');
const silent = check('silent', 'warning', 'false');
const half = check('half', 'critical', 'printf well=yes');

describe('checks as one bash file', () => {
  it.each([
    ['nothing wrong', [fine], 0],
    ['a warning', [fine, warning], 1],
    ['something critical beside an unknown', [critical, silent, warning], 2],
    ['a probe that says nothing', [fine, silent], 3],
    ['a probe that was cut short', [half], 3],
    ['a probe that hangs', [fine, hangs], 3],
  ] as const)('ends with the exit code of %s', (_title, checks, code) => {
    const done = spawnSync('bash', ['-s'], {
      input: standalone(checks, 'gate'),
      encoding: 'utf8',
      timeout: 15_000,
    });
    expect([done.status, done.stderr]).toEqual([code, '']);
  });

  it.each(['gate', 'prolog', 'healthcheck'] as const)(
    'is sound bash for %s with the whole catalogue',
    async (purpose) => {
      const checks = (await loadChecks({ HOME: '/nowhere' })).filter((one) => isStandalone(one, purpose));
      expect(checks.length).toBeGreaterThan(8);
      const done = spawnSync('bash', ['-n'], { input: standalone(checks, purpose), encoding: 'utf8' });
      expect([done.status, done.stderr]).toEqual([0, '']);
    },
  );
});

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
