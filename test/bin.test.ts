import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let place: string;
/** A copy of the built program, to break. */
let program: string;
const bin = () => join(program, 'bin', 'opsctl.cjs');

beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'opsctl-bin-'));
  program = join(place, 'program');
  for (const part of ['bin', 'dist', 'templates', 'trainers', 'checks', 'package.json'])
    cpSync(part, join(program, part), { recursive: true });
  mkdirSync(join(place, 'data'));
  writeFileSync(join(place, 'data', 'a.jsonl'), '{"id":"1","data":["q","a"]}\n');
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

function run(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const [file = '', ...words] = argv;
  const own = { OPSCTL_HOME: join(place, 'state'), XDG_CONFIG_HOME: join(place, 'config'), NO_COLOR: '1' };
  return spawnSync(file, words, { encoding: 'utf8', cwd: place, env: { ...process.env, ...own, ...env } });
}

const RENDER = ['render', 'sft', '-t', 'example', '--data', '/d', '--output', '/r'];

describe('the program file', () => {
  it('is started by a shell and by node, with the same result', () => {
    const byShell = run([bin(), ...RENDER]);
    expect(byShell).toMatchObject({ status: 0, stderr: '' });
    const withoutTime = (text: string) => text.replaceAll(/\d{8}-\d{6}/g, 'TIME');
    expect(withoutTime(run([process.execPath, bin(), ...RENDER]).stdout)).toBe(withoutTime(byShell.stdout));
  });

  it('hands arguments over as they are', () => {
    expect(run([bin(), 'render', '$(touch x) `id` "a  b"']).stderr).toContain(
      'there is no phase "$(touch x) `id` "a  b""',
    );
    expect(existsSync(join(place, 'x'))).toBe(false);
  });

  it('takes no value of an option for a command, whatever the profile is called', () => {
    writeFileSync(
      join(place, 'opsctl.yaml'),
      'version: 1\nprofiles:\n  config: { data_root: /fast }\n  other: {}\n',
    );
    try {
      const { status, stdout, stderr } = run([
        bin(),
        '--profile',
        'config',
        'render',
        '--json',
        ...RENDER.slice(1),
      ]);
      expect([status, stderr]).toEqual([0, '']);
      expect(JSON.parse(stdout).script).toContain('/fast');
      expect(run([bin(), '--config', 'status', 'submit', 'sft']).stderr).toContain('no configuration file');
    } finally {
      rmSync(join(place, 'opsctl.yaml'));
    }
  });

  it("starts from the user's own defaults for sbatch, which everything written for opsctl overrides", () => {
    const mine = { SBATCH_ACCOUNT: 'llm', SBATCH_QOS: 'high' };
    const { stdout } = run([bin(), ...RENDER, '--qos', 'low'], mine);
    expect(stdout).toContain('#SBATCH --account=llm\n');
    expect(stdout).toContain('#SBATCH --qos=low\n');
    // There they may be the surrounding job's.
    expect(run([bin(), ...RENDER], { ...mine, SLURM_JOB_ID: '7' }).stdout).not.toContain('--account');
  });

  it("gives the site's certificates back to the programs that it starts", () => {
    const tools = join(place, 'tools');
    mkdirSync(tools);
    writeFileSync(
      join(tools, 'sbatch'),
      `#!/bin/sh\nenv >"${place}/seen"\n[ "$1" = --test-only ] || echo 7\n`,
    );
    chmodSync(join(tools, 'sbatch'), 0o755);
    const certificates = join(place, 'site.pem');
    const submit = run([bin(), 'submit', 'sft', '-t', 'example', '--data', 'data', '--output', 'runs'], {
      PATH: `${tools}:${process.env.PATH}`,
      NODE_EXTRA_CA_CERTS: certificates,
      SLURM_CONF: '',
    });
    expect(submit, submit.stderr).toMatchObject({ status: 0 });
    const seen = readFileSync(join(place, 'seen'), 'utf8');
    expect(seen).toContain(`NODE_EXTRA_CA_CERTS=${certificates}\n`);
    expect(seen).not.toContain('OPSCTL_CA_CERTS');
  });

  it('works without the code cache, and with one that was cut off', () => {
    const dist = join(program, 'dist');
    const cache = readdirSync(dist).find((name) => name.includes('.cache-')) ?? '';
    const kept = readFileSync(join(dist, cache));
    for (const damaged of [
      '',
      'garbage that is no index',
      kept.subarray(0, 4000),
      kept.subarray(0, 60_000),
    ]) {
      writeFileSync(join(dist, cache), damaged);
      expect(run([bin(), ...RENDER])).toMatchObject({ status: 0, stderr: '' });
    }
    rmSync(join(dist, cache));
    expect(run([bin(), ...RENDER])).toMatchObject({ status: 0, stderr: '' });
    writeFileSync(join(dist, cache), kept);
  });

  it('says that there is no node', () => {
    const result = run(['/bin/sh', bin(), '--version'], { PATH: join(place, 'data') });
    expect(result).toMatchObject({ status: 69, stderr: expect.stringContaining('needs Node.js 20.19') });
  });

  it.each(['18.20.4', '20.18.3'])('says that Node %s is too old', (version) => {
    const old = join(place, 'old.cjs');
    writeFileSync(old, `Object.defineProperty(process.versions, 'node', { value: '${version}' });\n`);
    const result = run([process.execPath, '--require', old, bin(), 'status']);
    expect(result).toMatchObject({
      status: 69,
      stderr: expect.stringContaining('needs Node.js 20.19 or newer'),
    });
  });

  it('ends quietly when nobody reads its output', () => {
    const piped = run(['bash', '-c', `'${bin()}' render sft --help | head -1; echo "\${PIPESTATUS[0]}"`]);
    expect(piped).toMatchObject({ stderr: '', stdout: expect.stringMatching(/\n0\n$/) });
  });

  it('says that it cannot write its own version', () => {
    const full = run(['bash', '-c', `'${bin()}' --version >/dev/full`]);
    expect(full.status).toBe(1);
    expect(full.stderr).toContain('cannot write the output: ENOSPC');
  });

  it('says that it cannot write its output', () => {
    const full = run(['bash', '-c', `'${bin()}' config --schema >/dev/full`]);
    expect(full.status).toBe(1);
    expect(full.stderr).toContain('cannot write the output: ENOSPC');
  });

  it('says what to do when the installation is incomplete or not built', () => {
    const pack = join(program, 'dist', 'opsctl.pack');
    truncateSync(pack, 200_000);
    expect(run([bin(), ...RENDER]).stderr).toContain(
      'the installation of opsctl is broken, install it again',
    );
    rmSync(pack);
    expect(run([bin(), ...RENDER])).toMatchObject({ status: 70, stderr: expect.stringContaining('npm ci') });
  });
});
