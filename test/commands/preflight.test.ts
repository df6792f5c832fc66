import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Context } from '../../src/commands/command.ts';
import { subjectOf } from '../../src/commands/preflight-subject.ts';
import type { Verdict } from '../../src/health/verdict.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';

const OPSCTL = join(import.meta.dirname, '..', '..', 'bin', 'opsctl.cjs');
let place: string;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'opsctl-preflight-'));
  for (const name of ['bin', 'data', 'config', 'model']) mkdirSync(join(place, name));
  writeFileSync(join(place, 'data', 'a.jsonl'), '{"id":"1","data":["question","answer"]}\n');
  // Stand in for a controller: the words are those of Slurm 22.05.
  program(
    'sbatch',
    `cat >/dev/null; echo "sbatch: Job 7 to start at 2026-11-25T08:00:00 using 2 processors on nodes gnode01 in partition gpu" >&2`,
  );
  program('scontrol', 'echo "No partitions in the system"');
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

function program(name: string, script: string): void {
  writeFileSync(join(place, 'bin', name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(place, 'bin', name), 0o755);
}

function opsctl(words: readonly string[], more: Record<string, string> = {}) {
  const env = {
    HOME: place,
    PATH: `${join(place, 'bin')}:/usr/bin:/bin`,
    OPSCTL_HOME: join(place, 'state'),
    XDG_CONFIG_HOME: join(place, 'config'),
    ...more,
  };
  const { status, stdout, stderr } = spawnSync(process.execPath, [OPSCTL, ...words, '--json'], {
    cwd: place,
    env,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const told = (verdicts: readonly Verdict[]) =>
  verdicts.map(({ seconds: _, ...rest }) => JSON.stringify(rest)).sort();

/** What both commands say of a run with these parameters. */
function bothOf(parameters: Readonly<Record<string, string>>, env: Record<string, string> = {}) {
  const given = {
    model: join(place, 'model'),
    data: join(place, 'data'),
    output: join(place, 'runs'),
    ...parameters,
  };
  const settings = Object.entries(given).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  const submit = opsctl(['submit', 'sft', '-t', 'trl', '--dry-run', ...settings], env);
  const preflight = opsctl(['preflight', '--phase', 'sft', '-t', 'trl', ...settings], env);
  expect(submit.stdout, submit.stderr).not.toBe('');
  expect(preflight.stdout, preflight.stderr).not.toBe('');
  const ofSubmit = JSON.parse(submit.stdout).preflight as { status: string; verdicts: Verdict[] };
  const ofPreflight = JSON.parse(preflight.stdout) as { status: string; verdicts: Verdict[] };
  return { codes: [submit.status, preflight.status], ofSubmit, ofPreflight };
}

describe('what is told of a run from the login node', () => {
  it('is the same by submit and by preflight when all is well', () => {
    const { ofSubmit, ofPreflight } = bothOf({});
    expect(told(ofPreflight.verdicts)).toEqual(told(ofSubmit.verdicts));
    const checks = ofSubmit.verdicts.map(({ check }) => check);
    expect(checks).toEqual(
      expect.arrayContaining(['data', 'output', 'quota', 'leaked-env', 'slurm-accepts']),
    );
  });

  it('is the same when much is wrong: keys, data, modes, a variable of another job, a threshold of the site', () => {
    writeFileSync(join(place, 'data', 'b.jsonl'), '{"id":"1"\n');
    writeFileSync(join(place, 'keys'), 'export OTHER=1\n');
    chmodSync(join(place, 'keys'), 0o644);
    writeFileSync(
      join(place, 'opsctl.yaml'),
      'profiles: { here: { limits: { space_percent_warning: 0, space_percent_alarm: 101 } } }\n',
    );
    const parameters = { report_to: 'wandb', secrets_file: join(place, 'keys') };
    const { codes, ofSubmit, ofPreflight } = bothOf(parameters, { SBATCH_QOS: 'other' });
    expect(told(ofPreflight.verdicts)).toEqual(told(ofSubmit.verdicts));
    expect([codes, ofSubmit.status, ofPreflight.status]).toEqual([[2, 2], 'critical', 'critical']);
    const bad = ofSubmit.verdicts.flatMap(({ check, status }) =>
      status === 'ok' ? [] : [`${check} ${status}`],
    );
    expect(bad.sort()).toEqual([
      'cpus warning',
      'data critical',
      'leaked-env warning',
      'quota warning',
      'secrets critical',
      'wandb critical',
    ]);
  });

  it('finds a key in the secrets file that the job will read, and never shows it', () => {
    const key = 'a1b2c3d4e5'.repeat(4);
    writeFileSync(join(place, 'keys'), `WANDB_API_KEY=${key}\n`);
    chmodSync(join(place, 'keys'), 0o600);
    const { ofSubmit, ofPreflight } = bothOf({ report_to: 'wandb', secrets_file: join(place, 'keys') });
    expect(ofSubmit.verdicts.find(({ check }) => check === 'wandb')?.status).toBe('ok');
    expect(told(ofPreflight.verdicts)).toEqual(told(ofSubmit.verdicts));
    expect(JSON.stringify([ofSubmit, ofPreflight])).not.toContain(key);
  });

  it("has a site's own check for the login node in it", () => {
    mkdirSync(join(place, 'config', 'opsctl', 'checks'), { recursive: true });
    writeFileSync(join(place, 'config', 'opsctl', 'checks', 'motd.sh'), MOTD, { mode: 0o644 });
    const { ofSubmit, ofPreflight } = bothOf({});
    expect(ofSubmit.verdicts.find(({ check }) => check === 'motd')).toMatchObject({
      status: 'warning',
      message: 'maintenance at noon',
    });
    expect(told(ofPreflight.verdicts)).toEqual(told(ofSubmit.verdicts));
  });

  it('leaves a key to the nodes where an activate file may bring it', () => {
    writeFileSync(join(place, 'activate'), '');
    const { ofSubmit } = bothOf({ report_to: 'wandb', activate: join(place, 'activate') });
    expect(ofSubmit.verdicts.map(({ check }) => check)).not.toContain('wandb');
  });
});

describe('what is asked where no run is named', () => {
  const nowhere = { WANDB_BASE_URL: 'http://127.0.0.1:1', HF_ENDPOINT: 'http://127.0.0.1:1' };
  beforeEach(() => {
    program('scontrol', 'echo "Slurmctld(primary) at here is UP"');
    program('sinfo', 'echo "gnode01|idle|none|Unknown|none"');
    // Stands in for one node: what srun would start there, after its options.
    program('srun', 'while [ "$1" != bash ]; do shift; done; SLURMD_NODENAME=gnode01 exec "$@"');
  });
  const hostsAsked = (words: readonly string[]) => {
    const { stdout, stderr } = opsctl(['preflight', '--nodes', 'gnode01', ...words], nowhere);
    expect(stdout, stderr).not.toBe('');
    const { verdicts } = JSON.parse(stdout) as { verdicts: Verdict[] };
    const nodes = verdicts.filter(({ check }) => check === 'hosts').map(({ node }) => node);
    return { nodes: [...new Set(nodes)], notes: stderr };
  };

  it('says that the hosts outside are asked for here and not by the nodes, and how they would be', () => {
    const { nodes, notes } = hostsAsked([]);
    expect(nodes).toEqual([expect.not.stringMatching('gnode01')]);
    expect(notes).toContain('not asked on the nodes: hosts; with --recipe or --only they are');
  });

  it('lets the nodes ask for them when they are named, and then says nothing', () => {
    const { nodes, notes } = hostsAsked(['--only', 'hosts']);
    expect(nodes).toContain('gnode01');
    expect(notes).not.toContain('not asked on the nodes');
  });
});

const MOTD = `# ---
# id: motd
# question: "Is there no maintenance?"
# scope: login
# level: run
# gate: false
# seconds: 5
# rules:
#   - { fact: notice, op: ne, limit: "none", severity: warning, message: "{notice}", fix: "wait" }
# ---
echo "notice=maintenance at noon"
`;

describe('the thresholds that preflight asks a run by', () => {
  const limitsFor = async (words: Record<string, unknown>) => {
    const system = fakeSystem(fakeExec({ 'bash -n': '' }).exec, { cwd: place, env: { HOME: place } });
    const options = { config: undefined, profile: undefined, json: false, quiet: true, verbose: false };
    const terminal = {} as Context['terminal'];
    const set = [`data=${join(place, 'data')}`, `output=${join(place, 'runs')}`];
    return (await subjectOf({ set, ...words }, { system, options, terminal, argv: [JSON.stringify(words)] }))
      .limits;
  };

  it("are the trainer's own, as submit has them, however the run is named", async () => {
    writeFileSync(join(place, 'recipe.yaml'), 'phase: sft\ntrainer: example\n');
    const ofRecipe = await limitsFor({ recipe: join(place, 'recipe.yaml') });
    expect(ofRecipe).toMatchObject({ shm_free_mib: 32, limit_files: 1024 });
    expect(await limitsFor({ phase: 'sft', trainer: 'example' })).toEqual(ofRecipe);
  });

  it("and above those the profile's", async () => {
    writeFileSync(join(place, 'opsctl.yaml'), 'profiles: { here: { limits: { shm_free_mib: 99 } } }\n');
    const limits = await limitsFor({ phase: 'sft', trainer: 'example' });
    expect(limits).toMatchObject({ shm_free_mib: 99, limit_files: 1024 });
  });
});
