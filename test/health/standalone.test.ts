import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { Check } from '../../src/health/check-schema.ts';
import { withLimits } from '../../src/health/limits.ts';
import { isStandalone, type Purpose, standalone } from '../../src/health/standalone.ts';
import { checks as catalogue } from '../checks/support.ts';

function check(probe: string, severity: 'warning' | 'critical' = 'warning', seconds = 5): Check {
  const rule = { fact: 'free', op: 'lt', limit: 'free_min', severity, message: '{free} left', fix: 'df' };
  return {
    id: 'room',
    question: 'Is there room?',
    scope: 'node',
    level: 'node',
    gate: true,
    seconds,
    limits: { free_min: 10 },
    rules: [{ ...rule, op: 'lt' }],
    probe,
  };
}

function run(one: Check, purpose: Purpose = 'healthcheck'): { code: number | null; out: string } {
  const { status, stdout } = spawnSync('bash', ['-s'], {
    input: standalone([one], purpose),
    env: { PATH: process.env.PATH, SLURMD_NODENAME: 'n1' },
    encoding: 'utf8',
  });
  return { code: status, out: stdout };
}

describe('the file for HealthCheckProgram', () => {
  it('says nothing and ends with 0 when all is well', () => {
    expect(run(check('echo free=10'))).toEqual({ code: 0, out: '' });
  });

  it('ends with 1 for a warning and 2 for a critical finding', () => {
    expect(run(check('echo free=9'))).toEqual({ code: 1, out: 'warning\tn1\troom\t9 left\tdf\n' });
    expect(run(check('echo free=9', 'critical')).code).toBe(2);
  });

  it.each([
    ['prints nothing', ':'],
    ['prints garbage', 'echo free=[N/A]'],
    ['hangs', 'sleep 60'],
    ['kills the shell that waits for it', `kill -KILL -- "-$(ps -o pgid= -p "$BASHPID" | tr -d ' ')"`],
  ])('ends with 3 for a probe that %s', (_, probe) => {
    const { code, out } = run(check(probe, 'critical', 1));
    expect(out).toMatch(/^unknown\tn1\troom\t/);
    expect(code).toBe(3);
  });

  it('says once that a fact was not told, with how to look and without what would mend a fault', () => {
    const one = check('echo other=1');
    const rules = ['critical', 'warning'].flatMap((severity) =>
      one.rules.map((rule) => ({ ...rule, severity: severity as 'critical', when: { log: 'read' } })),
    );
    expect(run({ ...one, rules })).toEqual({
      code: 3,
      out: 'unknown\tn1\troom\tthe probe did not tell log\topsctl checks show room --probe | bash   # on that node\n',
    });
  });

  it('leaves out of the gate what is the ordinary state of many clusters', () => {
    const one = check('echo free=10; echo log=denied');
    const denied = {
      fact: 'log',
      op: 'eq',
      limit: 'denied',
      message: 'denied',
      fix: 'dmesg',
      gate: false,
    } as const;
    const rules = [...one.rules, { ...denied, severity: 'unknown' as const }];
    expect(run({ ...one, rules }, 'gate')).toEqual({ code: 0, out: '' });
    expect(run({ ...one, rules })).toEqual({ code: 3, out: 'unknown\tn1\troom\tdenied\tdmesg\n' });
  });

  it('says unknown when the checks cannot be run to their end', () => {
    const { code, out } = run(check(':\n}\nrun_checks() { return 1; }\n{ :'));
    expect(out).toBe('unknown\tn1\t-\tthe checks could not be run to their end\t-\n');
    expect(code).toBe(3);
  });

  it('shows no control characters of a fact', () => {
    const one = { ...check('printf "free=9\\nname=a\\e[31m\\tb\\n"') };
    const rules = one.rules.map((rule) => ({ ...rule, message: '{name}' }));
    expect(run({ ...one, rules }).out).toBe('warning\tn1\troom\ta?[31m?b\tdf\n');
  });

  it('shows a threshold as it was written, whatever bash would make of it', () => {
    const word = 'a"}$(echo owned)`id`\\b\'c';
    const one = check('echo free=9');
    const rules = one.rules.map((rule) => ({ ...rule, message: '{word}' }));
    expect(run({ ...one, rules, limits: { ...one.limits, word } }).out).toBe(
      `warning\tn1\troom\t${word}\tdf\n`,
    );
  });

  it('runs nothing that a fact holds', () => {
    const one = check(`printf '%s\\n' 'free=$(echo owned >&2)' 'free=a[$(echo owned)]'`);
    expect(run(one).out).not.toContain('owned');
    expect(run(one).code).toBe(3);
  });

  it('holds a fact against the threshold of the profile', () => {
    const [changed = check('')] = withLimits([check('echo free=9')], { free_min: 5 });
    expect(run(changed)).toEqual({ code: 0, out: '' });
  });
});

describe('the file for Prolog', () => {
  it('lets a node live with a warning or an unknown, because Slurm drains it for any other exit code', () => {
    expect(run(check('echo free=9'), 'prolog').code).toBe(0);
    expect(run(check(':'), 'prolog').code).toBe(0);
  });

  it('ends with 2 for a critical finding', () => {
    expect(run(check('echo free=9', 'critical'), 'prolog').code).toBe(2);
  });
});

describe('limits of the profile', () => {
  it('names the limit that was probably meant', () => {
    expect(() => withLimits([check(':')], { fre_min: 5 })).toThrow('Did you mean "free_min"?');
  });

  it('refuses a text where a rule compares numbers', () => {
    expect(() => withLimits([check(':')], { free_min: 'much' })).toThrow('no whole number');
  });
});

describe('a file of the whole catalogue', () => {
  it.each(['gate', 'prolog', 'healthcheck'] as const)('passes shellcheck as %s', (purpose) => {
    const text = standalone(
      catalogue.filter((one) => isStandalone(one, purpose)),
      purpose,
    );
    // Found in bash-runtime.ts and in the probes, each of which is looked at by itself (test/checks).
    const excluded = '--exclude=SC2034,SC2154,SC2317,SC2016,SC2015,SC2094';
    const { stdout } = spawnSync('shellcheck', ['--severity=warning', excluded, '-'], {
      input: text,
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
  });
});
