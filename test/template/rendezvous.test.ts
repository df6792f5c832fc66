import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const script = readFileSync('test/golden/sft-example.sbatch', 'utf8');
const from = script.indexOf('address_of() {');
const addressOf = script.slice(from, script.indexOf('\n}\n', from) + 3);

/** Does not answer before the time that it is asked, as while the controller is started again. */
const SCONTROL = `#!/bin/bash
echo "$*" >>"$PLACE/calls"
if (($(wc -l <"$PLACE/calls") < ANSWERS_AT)); then
  echo 'slurm_load_node error: Unable to contact slurm controller (connect failure)' >&2
  exit 1
fi
printf 'NodeName=%s Arch=x86_64\\n   NodeAddr=10.1.0.7 NodeHostName=%s Version=22.05.8\\n' "$3" "$3"
`;

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'opsctl-rendezvous-'));
  mkdirSync(join(place, 'bin'));
  const programs = {
    scontrol: SCONTROL,
    getent: `#!/bin/bash\n[[ $2 == known ]] && echo "10.1.0.1 known"\n`,
    sleep: '#!/bin/bash\n',
  };
  for (const [name, text] of Object.entries(programs))
    writeFileSync(join(place, 'bin', name), text, { mode: 0o755 });
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

function ask(node: string, answersAt: number) {
  const program = `set -euo pipefail\n${addressOf}\nMASTER_ADDR=$(address_of ${node})\necho "at $MASTER_ADDR"`;
  return spawnSync('/bin/bash', ['--norc', '-c', program], {
    encoding: 'utf8',
    env: { PATH: `${join(place, 'bin')}:/usr/bin:/bin`, PLACE: place, ANSWERS_AT: String(answersAt) },
  });
}

describe('the address of the rendezvous', () => {
  it('is the name where that resolves, without asking Slurm', () => {
    expect(ask('known', 99)).toMatchObject({ status: 0, stdout: 'at known\n', stderr: '' });
  });

  it('is asked for again while the controller is away', () => {
    expect(ask('gnode01', 3)).toMatchObject({ status: 0, stdout: 'at 10.1.0.7\n', stderr: '' });
  });

  it('ends the job with a sentence when Slurm does not tell it', () => {
    const { status, stderr } = ask('gnode01', 99);
    expect([status, stderr]).toEqual([
      1,
      'the name of node gnode01 does not resolve, and Slurm did not tell its address (scontrol show node gnode01)\n',
    ]);
    expect(readFileSync(join(place, 'calls'), 'utf8').trim().split('\n')).toHaveLength(8);
  });
});
