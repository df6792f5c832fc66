import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Verdict } from '../../src/health/verdict.ts';
import { run, startSandbox, type TestSandbox } from './support.ts';

let slurm: TestSandbox;
const NODES = 'gnode[01-08]';
const NAMES = Array.from({ length: 8 }, (_, index) => `gnode0${index + 1}`);

beforeAll(async () => {
  slurm = await startSandbox(['--nodes', '8', '--shm', '2g', '--tmp', '3g']);
});
afterAll(() => slurm.down());

/** The slurmd of a node. */
function daemon(node: string): number {
  const found = readdirSync('/proc').find((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    const line = cmdline(pid);
    return line.includes(`slurmd -D -N ${node} `) && line.includes(slurm.dir);
  });
  expect(found, `the slurmd of ${node}`).toBeDefined();
  return Number(found);
}
function cmdline(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
async function onNode(node: string, script: string): Promise<void> {
  const done = await run(['nsenter', '-t', String(daemon(node)), '-m', 'bash', '-c', script]);
  expect(done, done.stderr).toMatchObject({ code: 0 });
}
interface Document {
  readonly status: string;
  readonly verdicts: readonly Verdict[];
}
async function preflight(
  only: string,
  more: readonly string[] = [],
  nodes = NODES,
): Promise<Document & { code: number | null }> {
  const done = await slurm.opsctl(['preflight', '--nodes', nodes, '--only', only, '--json', ...more]);
  expect(done.stdout, done.stderr).not.toBe('');
  return { ...(JSON.parse(done.stdout) as Document), code: done.code };
}
/** What is not ok on the nodes, as "node check fact status". */
const bad = ({ verdicts }: Document) =>
  verdicts
    .filter(({ node, status }) => NAMES.includes(node) && status !== 'ok')
    .map(({ node, check, fact, status }) => `${node} ${check} ${fact} ${status}`)
    .sort();
const fine = ({ verdicts }: Document, check: string) =>
  verdicts.filter((one) => one.check === check && one.status === 'ok' && NAMES.includes(one.node)).length;

describe('opsctl preflight on compute nodes', () => {
  it('finds nothing on eight sound nodes', async () => {
    const found = await preflight('shm,tmp,paths,cxx');
    expect([bad(found), fine(found, 'shm'), fine(found, 'cxx')]).toEqual([[], 8, 8]);
  });

  it('finds a full /dev/shm, what a dead process left and a full /tmp, each on its node', async () => {
    await onNode('gnode02', 'fallocate -l 1900m /dev/shm/filler');
    await onNode('gnode03', 'echo x >/dev/shm/nccl-dead01');
    // The file of a living process is no leftover.
    await onNode(
      'gnode04',
      'echo x >/dev/shm/nccl-live01; (exec 9</dev/shm/nccl-live01; exec sleep 30 >/dev/null 2>&1) & disown',
    );
    await onNode('gnode05', 'fallocate -l 2900m /tmp/filler');
    const found = await preflight('shm,tmp');
    expect(bad(found)).toEqual([
      'gnode02 shm shm_free_mib critical',
      'gnode03 shm shm_leftovers warning',
      'gnode05 tmp tmp_free_mib critical',
    ]);
    expect(found.code).toBe(2);
    expect(found.verdicts[0]?.fix).toMatch(/shm-exhausted|--data-root/);
    await onNode('gnode02', 'rm /dev/shm/filler');
    await onNode('gnode03', 'rm /dev/shm/nccl-dead01');
    await onNode('gnode05', 'rm /tmp/filler');
    expect(bad(await preflight('shm,tmp'))).toEqual([]);
  });

  it('finds a lowered limit, a missing directory and a read-only mount', async () => {
    const place = join(slurm.root, 'place');
    const data = join(slurm.root, 'data');
    await mkdir(place);
    await mkdir(data);
    await writeFile(join(data, 'a.jsonl'), '{"id":"1","data":["question","answer"]}\n{"id":"2","da');
    const lowered = await run(['prlimit', '--pid', String(daemon('gnode02')), '--nofile=512:512']);
    expect(lowered, lowered.stderr).toMatchObject({ code: 0 });
    await onNode('gnode06', `mount -n -t tmpfs none ${data}`);
    await onNode('gnode07', `mount -n --bind ${place} ${place} && mount -n -o remount,ro,bind ${place}`);
    const run1 = [
      '--phase',
      'sft',
      '-t',
      'example',
      '--set',
      `data=${data}`,
      '--set',
      `output=${place}`,
      '--set',
      'python=/usr/bin/python3',
    ];
    const found = await preflight('limits,paths,data', run1);
    const hard = bad(found).filter((one) => one.includes('critical'));
    expect(hard).toContain('gnode02 limits limit_files_hard critical');
    expect(hard).toContain('gnode06 data data_missing critical');
    expect(hard).toContain('gnode07 paths paths_unwritable critical');
    // The broken last line is in the file itself: every node that sees it says so.
    expect(hard.filter((one) => one.includes('data_broken')).map((one) => one.slice(0, 7))).toEqual(
      NAMES.filter((node) => node !== 'gnode06'),
    );
    expect(fine(found, 'paths')).toBe(7);
    await onNode('gnode06', `umount -n ${data}`);
    await onNode('gnode07', `umount -n ${place}`);
  });

  it("asks a site's own check, and calls one that hangs unknown on that node alone", async () => {
    const directory = join(slurm.env.XDG_CONFIG_HOME ?? '', 'opsctl', 'checks');
    await mkdir(directory, { recursive: true });
    const site = `#!/usr/bin/env bash
# ---
# id: site-hangs
# question: "Does it hang?"
# scope: node
# level: node
# gate: false
# seconds: 2
# rules:
#   - { fact: here, op: ne, limit: "yes", severity: critical, message: "no", fix: "none" }
# ---
[[ $SLURMD_NODENAME != gnode05 ]] || sleep 60
echo here=yes
`;
    await writeFile(join(directory, 'site-hangs.sh'), site, { mode: 0o644 });
    const start = Date.now();
    const found = await preflight('site-hangs');
    expect([bad(found), fine(found, 'site-hangs'), found.code]).toEqual([
      ['gnode05 site-hangs here unknown'],
      7,
      3,
    ]);
    expect(Date.now() - start).toBeLessThan(15_000);
    await writeFile(join(directory, 'site-hangs.sh'), site, { mode: 0o666 });
    await run(['chmod', '666', join(directory, 'site-hangs.sh')]);
    expect(await slurm.opsctl(['checks', 'list'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('chmod go-w'),
    });
    await run(['rm', join(directory, 'site-hangs.sh')]);
  });

  it('finds that there is no compiler on the PATH', async () => {
    const bin = join(slurm.root, 'bin');
    await mkdir(bin);
    for (const tool of ['bash', 'uname', 'cat', 'mktemp', 'rm', 'srun', 'sinfo', 'node'])
      await run(['bash', '-c', `ln -s "$(type -P ${tool})" ${bin}/${tool}`]);
    const done = await slurm.opsctl(['preflight', '--nodes', NODES, '--only', 'cxx', '--json'], {
      env: { PATH: bin },
    });
    const found = JSON.parse(done.stdout) as Document;
    expect(bad(found)).toEqual(NAMES.map((node) => `${node} cxx cxx critical`));
    expect(found.verdicts[0]).toMatchObject({
      value: 'missing',
      fix: expect.stringContaining('build-essential'),
    });
  });

  it('names a node whose slurmd was killed, has the answers of the others, and a drained one is not waited for', async () => {
    await slurm.slurm(['scontrol', 'update', 'NodeName=gnode01', 'State=DRAIN', 'Reason=memory']);
    process.kill(daemon('gnode08'), 'SIGKILL');
    const found = await preflight('shm');
    expect(bad(found)).toEqual(['gnode01 node answer unknown', 'gnode08 node answer unknown']);
    expect(found.verdicts.find(({ node }) => node === 'gnode01')?.message).toContain('drained: memory');
    expect([fine(found, 'shm'), found.code]).toEqual([6, 3]);
  });
});
