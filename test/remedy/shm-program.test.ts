import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVIDENCE_PROGRAM } from '../../src/remedy/evidence-program.ts';
import { SHM_PROGRAM } from '../../src/remedy/shm-program.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'opsctl-shm-'));
  chmodSync(directory, 0o755);
  writeFileSync(join(directory, 'program.sh'), SHM_PROGRAM, { mode: 0o644 });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A Slurm that says which jobs of the user run on the node. */
function squeue(says: string, code = 0): void {
  writeFileSync(join(directory, 'squeue'), `#!/bin/sh\nprintf '${says}'\nexit ${code}\n`, { mode: 0o755 });
}

const HOLDS = [
  'import mmap, time',
  'f = open("/dev/shm/nccl-mapped", "w+b"); f.truncate(4096); m = mmap.mmap(f.fileno(), 4096); f.close()',
  'g = open("/dev/shm/nccl-open", "w")',
  'print("ready", flush=True); time.sleep(30)',
].join('\n');

/** A node with a /dev/shm of its own, in which some files are old; what the program says there, and what is left. */
function node(mode: 'list' | 'delete', before = ''): { said: string[]; left: string[] } {
  const script = [
    'mount -n -t tmpfs opsctl-test /dev/shm && cd /dev/shm || exit 9',
    'touch nccl-dead nccl-old-too other',
    'ln -s /etc/hostname nccl-link; touch nccl-two; ln nccl-two second; mkdir nccl-directory',
    `coproc python3 -c '${HOLDS}'`,
    'read -r _ <&"${COPROC[0]}"',
    before,
    // Young for as long as a loaded machine may take.
    "sleep 2.1; touch -d '+1 hour' nccl-young",
    `PATH=${directory}:$PATH SLURMD_NODENAME=here SLURM_JOB_ID=7 bash -s -- 2 ${mode} <${directory}/program.sh`,
    'echo ---; ls /dev/shm; kill "$COPROC_PID"',
  ].join('\n');
  const isolated =
    process.getuid?.() === 0
      ? ['--mount', '--propagation', 'private']
      : ['--user', '--map-current-user', '--keep-caps', '--mount', '--propagation', 'private'];
  const { stdout, stderr } = spawnSync('unshare', [...isolated, 'bash', '-c', script], { encoding: 'utf8' });
  const [said = '', left = ''] = stdout.split('---\n');
  if (left === '') throw new Error(`the node did not answer: ${stderr}`);
  return { said: said.trim().split('\n'), left: left.trim().split('\n') };
}

describe('what runs on a node to clear /dev/shm (rail 8)', () => {
  const KEPT = [
    'keep nccl-directory no plain file',
    'keep nccl-link a link',
    'keep nccl-mapped in use',
    'keep nccl-open in use',
    'keep nccl-two has a second name',
    'keep nccl-young too young',
  ];

  it('lists first, and changes nothing', () => {
    squeue('7\\n');
    const { said, left } = node('list');
    expect(said.filter((line) => line.startsWith('free '))).toEqual(['free nccl-dead', 'free nccl-old-too']);
    expect(left).toContain('nccl-dead');
  });

  it('deletes what is old and nobody maps or holds open, and nothing else', () => {
    squeue('7\\n');
    const { said, left } = node('delete');
    expect(said).toEqual([...KEPT, 'gone nccl-dead', 'gone nccl-old-too', 'end'].sort(byName));
    expect(left).toEqual(
      [
        'nccl-directory',
        'nccl-link',
        'nccl-mapped',
        'nccl-open',
        'nccl-two',
        'nccl-young',
        'other',
        'second',
      ].sort(),
    );
  });

  it('stops where the user has another job on the node, or Slurm does not say', () => {
    squeue('7\\n8\\n');
    expect(node('delete').said).toEqual(['stop your job 8 is on this node']);
    squeue('', 1);
    const { said, left } = node('delete');
    expect(said).toEqual(['stop squeue does not say which jobs run here']);
    expect(left).toContain('nccl-dead');
  });

  it.each([
    ['clear-nccl-shm', SHM_PROGRAM],
    ['collect-evidence', EVIDENCE_PROGRAM],
  ])('%s is bash that shellcheck has nothing to say of', (_name, program) => {
    const { stdout } = spawnSync('shellcheck', ['--shell=bash', '-'], { input: program, encoding: 'utf8' });
    expect(stdout).toBe('');
  });
});

/** The program goes by the order of names, with `end` behind them. */
function byName(one: string, other: string): number {
  const name = (line: string): string => (line === 'end' ? '~' : (line.split(' ')[1] ?? ''));
  return name(one) < name(other) ? -1 : 1;
}
