import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkFlags, type FlagCheck } from '../../src/run/flags.ts';
import { type PlanInput, planRun } from '../../src/run/plan.ts';
import { exec } from '../../src/system/exec.ts';
import type { System } from '../../src/system/system.ts';
import { loadTemplate } from '../../src/template/load.ts';
import { resolveParameters } from '../../src/template/resolve.ts';
import { PROFILE } from '../support/plan.ts';

const GIVEN = { model: 'Qwen/Qwen2.5-7B', data: '/data', output: '/runs', nodes: 2 };

/** What the check says of an sft run with TRL, or the text of its error. */
async function check(
  trainerFlags: readonly string[],
  values: Readonly<Record<string, unknown>> = {},
  env: System['env'] = { HOME: '/nowhere', PATH: process.env.PATH },
): Promise<FlagCheck | string> {
  const template = await loadTemplate(env, 'sft', 'trl');
  const given = Object.entries({ ...GIVEN, ...values }).map(([name, value]) => [
    name,
    { value, where: `--${name}` },
  ]);
  const input: PlanInput = {
    template,
    parameters: resolveParameters(
      template.parameters,
      [{ source: 'flag', values: Object.fromEntries(given) }],
      {
        cwd: '/home/me',
        home: '/home/me',
        exists: () => false,
      },
    ),
    trainerFlags,
    profile: PROFILE,
    now: new Date(2026, 4, 24),
    version: '0.0.0',
    packageRoot: '/opt/opsctl',
  };
  const system: System = { exec, env, now: () => new Date(0), cwd: '/' };
  return checkFlags(system, planRun(input), input).catch((error: Error) => error.message);
}

/** A site's configuration with files of its own. */
function site(files: Readonly<Record<string, string>>): System['env'] {
  const home = mkdtempSync(join(tmpdir(), 'opsctl-site-'));
  onTestFinished(() => rmSync(home, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(home, 'opsctl', name, '..'), { recursive: true });
    writeFileSync(join(home, 'opsctl', name), text);
  }
  return { HOME: '/nowhere', PATH: process.env.PATH, XDG_CONFIG_HOME: home };
}

const LIST = { program: 'trl-sft', version: '99', source: 'a test', syntax: 'argparse', unknown: 'refused' };

describe('the flags of a run', () => {
  it('are known by program and version', async () => {
    expect(await check(['--neftune_noise_alpha', '5'])).toEqual({
      trainer: { program: 'trl-sft', version: '1.10.0.dev0' },
      warnings: [],
    });
  });

  it('are all named at once, each with its place and what to write instead', async () => {
    const error = await check(['--evaluation_strategy', 'no', '--max_steps', '1e2']);
    expect(error).toContain('--evaluation_strategy (after "--"): trl-sft 1.10.0.dev0');
    expect(error).toContain('Did you mean --eval_strategy?');
    expect(error).toContain('--max_steps (after "--")');
    expect(error).toContain('Did you mean 100?');
  });

  it('let a warning through where it was asked for, and are not looked at where that was asked for', async () => {
    expect(await check(['--foo'], { flag_check: 'warning' })).toMatchObject({
      warnings: [expect.stringContaining('--foo (after "--")')],
    });
    expect(await check(['--foo'], { flag_check: 'off' })).toMatchObject({
      warnings: ['not checked, because flag_check is off'],
    });
  });

  it('are those of the version that is chosen', async () => {
    expect(await check([], { trainer_version: '0.1' })).toContain(
      'there is no flag list of trl-sft 0.1. Known: 1.10.0.dev0',
    );
    const env = site({
      'trainers/trl-sft/99.json': JSON.stringify({ ...LIST, flags: { '--brand_new': 'int' } }),
    });
    const error = await check(['--brand_new', '1'], { trainer_version: '99' }, env);
    expect(error).toContain('trl-sft 99: there is no such flag');
    expect(error).not.toContain('--brand_new');
    expect(await check(['--brand_new', '1'], {}, env)).toContain(
      '--brand_new (after "--"): trl-sft 1.10.0.dev0',
    );
  });

  it('of a template are said to be in its file', async () => {
    const flags = { '--model_name_or_path': 'str' };
    const env = site({ 'trainers/trl-sft/99.json': JSON.stringify({ ...LIST, flags }) });
    expect(await check([], { trainer_version: '99' }, env)).toMatch(
      /--output_dir \(in .*templates\/trainers\/trl\/\w+\.hbs\)/,
    );
  });

  it('a broken list of a site is an error with its file and line', async () => {
    const env = site({ 'trainers/trl-sft/99.json': '{\n  "program": "trl-sft",\n  "version": "99"\n}' });
    expect(await check([], {}, env)).toMatch(/trl-sft\/99\.json/);
  });
});
