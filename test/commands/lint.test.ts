import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const BIN = join(import.meta.dirname, '..', '..', 'bin', 'opsctl.cjs');
const place = mkdtempSync(join(tmpdir(), 'opsctl-lint-'));
afterAll(() => rmSync(place, { recursive: true }));

/** As on a machine without Slurm and without a configuration. */
function lint(argv: readonly string[], input = '') {
  const env = { PATH: place, HOME: place, XDG_CONFIG_HOME: place };
  return spawnSync(process.execPath, [BIN, 'lint', ...argv], { input, encoding: 'utf8', env, cwd: place });
}

function script(name: string, body: string, header = '#SBATCH --nodes=2'): string {
  const path = join(place, name);
  writeFileSync(path, `#!/bin/bash\n${header}\n${body}\n`);
  return path;
}

describe('opsctl lint', () => {
  it.each([
    ['0 where there is nothing', 'srun hostname', 0],
    ['0 where there is only info', 'python a.py --data *.json', 0],
    ['1 for warnings', 'export MASTER_PORT=29500', 1],
    ['2 for errors', 'srun run $SLURM_PROCID', 2],
  ])('exits with %s', (_title, body, code) => {
    expect(lint([script('code.sbatch', body)]).status).toBe(code);
  });

  it('prints one document in the shape of the contract', () => {
    const { stdout } = lint(['--json', '-'], '#!/bin/bash\n#SBATCH --nodes=2\nrun $SLURM_PROCID\n');
    expect(JSON.parse(stdout)).toMatchObject([{ file: '-', line: 3, rule: 'early-rank', severity: 'error' }]);
  });

  it('looks at the other files when one cannot be read', () => {
    const good = script('good.sbatch', 'export MASTER_PORT=29500');
    const binary = join(place, 'binary');
    writeFileSync(binary, Buffer.from([0x7f, 0x45, 0, 0xff]));
    const { stdout, status } = lint(['--json', place, join(place, 'none'), binary, good]);
    const rules = JSON.parse(stdout).map(({ rule }: { rule: string }) => rule);
    expect([rules, status]).toEqual([['file', 'file', 'file', 'fixed-port'], 2]);
  });

  it('mends a file in its place, keeps its mode and a link to it, and shows what changed', () => {
    const path = script('mend.sbatch', 'true', '#SBATCH --requeue');
    chmodSync(path, 0o750);
    const link = join(place, 'link.sbatch');
    symlinkSync(path, link);
    const { stdout, status } = lint(['--fix', link]);
    expect([stdout.trim(), status]).toEqual([`${link}:2: + #SBATCH --open-mode=append`, 0]);
    expect(readFileSync(path, 'utf8')).toBe(
      '#!/bin/bash\n#SBATCH --open-mode=append\n#SBATCH --requeue\ntrue\n',
    );
    expect([statSync(path).mode & 0o777, lstatSync(link).isSymbolicLink()]).toEqual([0o750, true]);
  });

  it('knows the partitions and the version of a profile', () => {
    const profile = 'slurm_version: 22.05.8\n    partitions: { gpu: { max_time: 1-00:00:00 } }';
    writeFileSync(join(place, 'opsctl.yaml'), `profile: a\nprofiles:\n  a:\n    ${profile}\n`);
    const header = '#SBATCH --partition=gpu\n#SBATCH --time=2-00:00:00\n#SBATCH --segment=2';
    const { stdout } = lint(['--json', script('long.sbatch', 'true', header)]);
    rmSync(join(place, 'opsctl.yaml'));
    const found = JSON.parse(stdout).map(({ rule }: { rule: string }) => rule);
    expect(found).toEqual(['time-limit', 'directive-option']);
  });

  it('says of a file that is not there that it is not, and goes on with the others', () => {
    const { stdout, status } = lint(['nowhere.sh', script('fine.sbatch', 'true')]);
    expect([stdout, status]).toEqual([
      expect.stringContaining('nowhere.sh:1:1: error: There is no such file.'),
      2,
    ]);
  });

  it('refuses no file, and a rule that is not there', () => {
    expect(lint([]).status).toBe(64);
    const { stderr, status } = lint(['--explain', 'early-rnk']);
    expect([stderr, status]).toEqual([expect.stringContaining('"early-rank"'), 64]);
  });
});
