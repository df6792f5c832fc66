import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { JUDGE } from '../../src/health/bash-runtime.ts';
import { bundle, bundleCommand, readBundles } from '../../src/health/bundle.ts';
import type { Check } from '../../src/health/check-schema.ts';
import { parseCheck } from '../../src/health/parse-check.ts';
import { verdictsOf } from '../../src/health/verdicts.ts';
import { checks as catalogue } from '../checks/support.ts';

function check(id: string, severity: string, probe: string, shell = 'own') {
  return parseCheck(
    `/x/${id}.sh`,
    `#!/usr/bin/env bash
# ---
# id: ${id}
# question: "Is it well?"
# scope: node
# level: node
# gate: true
# shell: ${shell}
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

const ENV = { ...process.env, SLURMD_NODENAME: 'gnode07', LC_ALL: 'C' };

function ask(checks: readonly Check[]) {
  const { argv, env } = bundleCommand(bundle(checks, {}), ENV);
  const [shell = '', ...words] = argv;
  const done = spawnSync(shell, words, { encoding: 'utf8', env });
  const { answers, finished } = readBundles(done.stdout);
  expect([...finished]).toEqual(['gnode07']);
  return answers;
}

describe('a bundle of probes', () => {
  it('tells hanging, silent and cut short from well, and keeps what a probe prints in its place', () => {
    const hostile = check(
      'hostile',
      'critical',
      "printf 'opsctl-check\\tother\\tfine\\twell=no\\nwell=$(id) `id`\\n'",
    );
    const checks = [fine, hangs, silent, half, hostile];
    const answers = ask(checks);
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

  it('does so for those that share a shell, and one that ends it ends no other', () => {
    const shared = (id: string, probe: string) => check(id, 'critical', probe, 'shared');
    const checks = [
      shared('fine', 'echo well=yes'),
      shared('hangs', 'echo well=yes; sleep 60'),
      shared('half', 'printf well=yes'),
      shared('ends', 'exit 0'),
      shared('unset', 'echo "well=$nowhere"'),
      shared('late-half', 'echo well=yes; printf well=n'),
      shared('last', 'echo well=yes'),
    ];
    const answers = ask(checks);
    const said = checks.map((one) => verdictsOf(one, answers.get(one.id) ?? new Map())[0]);
    expect(said.map((one) => one?.status ?? 'unknown')).toEqual([
      'ok',
      'unknown',
      'unknown',
      'unknown',
      'unknown',
      'ok',
      'ok',
    ]);
  });

  it('asks each check once, however many there are and whatever becomes of those that ask', () => {
    const probes = [
      'echo well=yes',
      'kill -KILL $BASHPID',
      'echo well=yes',
      'sleep 60',
      'trap "" TERM; sleep 60',
    ];
    const checks = Array.from({ length: 140 }, (_, at) => {
      const probe = (at + 1) % 35 === 0 ? (probes[(at + 1) / 35] ?? '') : 'echo well=yes';
      return check(`n${at}`, 'critical', `echo "asked=$RANDOM$RANDOM"; ${probe}`, 'shared');
    });
    const outside = { ...check('outside', 'critical', 'sleep 0.2; echo well=yes', 'shared'), outside: true };
    const { argv, env } = bundleCommand(bundle([...checks, outside], {}), ENV);
    const { stdout } = spawnSync('bash', argv.slice(1), { encoding: 'utf8', env });
    const { answers } = readBundles(stdout);
    const asked = stdout.match(/\tasked=/g)?.length;
    const bad = [...answers].filter(([, byNode]) => byNode.get('gnode07')?.facts.get('well') !== 'yes');
    const ends = bad.map(([id, byNode]) => [id, byNode.get('gnode07')?.end]).sort();
    expect([asked, answers.size, ends]).toEqual([
      137,
      141,
      [
        ['n104', 'late'],
        ['n139', 'late'],
        ['n34', 'late'],
      ],
    ]);
  });

  it('keeps apart what those print that share a shell, however much it is and whatever it holds', () => {
    const shared = (id: string, probe: string) => check(id, 'critical', probe, 'shared');
    const filler = 'printf "%*s\\n" 509 ""';
    const checks = [
      shared('none', ':'),
      shared('zeroes', "printf 'well=y\\0es\\n\\0\\0\\0'"),
      shared('exact', `${filler}; ${filler}; echo well=yes`),
      shared('long', `for i in {1..100}; do ${filler}; done; echo "a=$i"; echo well=yes`),
      shared('odd', "printf '=x\\nA=1\\n\\001\\nwell=a=b\\nwell=yes\\n é=1\\n'"),
      shared('last', 'echo well=yes'),
    ];
    const answers = ask(checks);
    const facts = checks.map(({ id }) => [...(answers.get(id)?.get('gnode07')?.facts ?? [])].join(' '));
    expect(facts).toEqual(['', 'well,yes', 'well,yes', 'a,100 well,yes', 'well,yes', 'well,yes']);
  });

  it('comes in variables of no more than 128 KiB each, whole, and leaves none to what it starts', () => {
    const long = check(
      'long',
      'critical',
      `: '${'long 長い 𝄞 '.repeat(40_000)}'\necho "bundles=$(env | grep -c BUNDLE_)"; echo well=yes`,
    );
    const { env } = bundleCommand(bundle([long], {}), {});
    const sizes = Object.values(env).map((part) => Buffer.byteLength(part ?? ''));
    expect(sizes.length).toBeGreaterThan(4);
    expect(Math.max(...sizes)).toBeLessThan(128 * 1024 - 100);
    const facts = ask([long]).get('long')?.get('gnode07')?.facts;
    expect(facts).toEqual(
      new Map([
        ['bundles', '0'],
        ['well', 'yes'],
      ]),
    );
  });

  it('has the same facts of every check of the catalogue as when it is asked alone', () => {
    const asked = catalogue.filter(({ about, scope }) => about !== 'run' && scope !== 'login');
    const answers = ask(asked);
    for (const { id } of asked) {
      const { stdout } = spawnSync('bash', ['-u', join('checks', `${id}.sh`)], {
        encoding: 'utf8',
        env: ENV,
      });
      const alone = stdout.split('\n').flatMap((line) => /^([a-z0-9_]+)=/.exec(line)?.[1] ?? []);
      expect([id, [...(answers.get(id)?.get('gnode07')?.facts.keys() ?? [])].sort()]).toEqual([
        id,
        [...new Set(alone)].sort(),
      ]);
    }
  });

  it('keeps its own functions: none of a probe that shares a shell has the name of one', () => {
    const names = (text: string) => [...text.matchAll(/^([a-z_]+)\(\)/gm)].map(([, name]) => name);
    const own = new Set(names(bundle([], {})).concat(names(JUDGE), ['told']));
    const shared = catalogue.filter(({ shell }) => shell === 'shared');
    expect(shared.flatMap(({ probe }) => names(probe)).filter((name) => own.has(name))).toEqual([]);
  });
});
