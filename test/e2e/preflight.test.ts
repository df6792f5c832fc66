import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Verdict } from '../../src/health/verdict.ts';
import type { SandboxStatus } from '../../src/sandbox/status.ts';
import { startSandbox, type TestSandbox } from './support.ts';

let slurm: TestSandbox;
let pids: ReadonlyMap<string, number>;
let config: string;
const root = process.getuid?.() === 0;
const ALL = 'gnode[01-08]';

beforeAll(async () => {
  slurm = await startSandbox(['--nodes', '8', '--shm', '64m']);
  const status = await slurm.opsctl(['sandbox', 'status', '--dir', slurm.dir, '--json']);
  const { nodes } = JSON.parse(status.stdout) as SandboxStatus;
  pids = new Map(nodes.map(({ node, pid }) => [node, pid ?? 0]));
  config = join(slurm.env.XDG_CONFIG_HOME ?? '', 'opsctl', 'checks');
  mkdirSync(config, { recursive: true });
  // The nodes of the sandbox are small: their thresholds are a site's own, in a site's own copies of the checks.
  site('shm', /^# {3}shm_free_mib: .*$/m, '#   shm_free_mib: 32');
  site('tmp', /^# {3}tmp_free_mib: .*$/m, '#   tmp_free_mib: 100');
  site('limits', /^# limits:\n(?:# {3}.*\n)+/m, smallLimits);
});
afterAll(() => slurm.down());

const smallLimits = (text: string) => text.replace(/: \d+$/gm, ': 512');

function site(id: string, from: RegExp, to: string | ((text: string) => string)): void {
  const source = readFileSync(join('checks', `${id}.sh`), 'utf8');
  const changed = source.replace(from, (text) => (typeof to === 'string' ? to : to(text)));
  expect(changed).not.toBe(source);
  writeFileSync(join(config, `${id}.sh`), changed);
}

/** Runs a shell line inside a node. */
const inNode = async (node: string, script: string) => {
  const words = ['nsenter', `--target=${pids.get(node)}`, '--mount', 'bash', '-c', script];
  const result = await slurm.slurm(words);
  expect(result, result.stderr).toMatchObject({ code: 0 });
};

async function preflight(...words: string[]) {
  const result = await slurm.opsctl(['preflight', '--json', ...words]);
  expect(result.stdout, result.stderr).not.toBe('');
  const { status, verdicts } = JSON.parse(result.stdout) as { status: string; verdicts: Verdict[] };
  const bad = verdicts.filter((verdict) => verdict.status !== 'ok');
  return {
    code: result.code,
    status,
    verdicts,
    bad: bad.map(({ check, node, status }) => `${node} ${check} ${status}`),
    first: bad[0],
  };
}

describe.runIf(root)('opsctl preflight, on a real Slurm', () => {
  it('finds nothing on healthy nodes', async () => {
    const found = await preflight('--nodes', ALL, '--only', 'shm,tmp,limits,nccl-net');
    expect([found.code, found.bad, found.verdicts.length]).toEqual([0, [], 32]);
  });

  it('finds one full /dev/shm among eight', async () => {
    await inNode('gnode03', 'head -c 50M /dev/zero >/dev/shm/filler');
    const found = await preflight('--nodes', ALL, '--only', 'shm');
    await inNode('gnode03', 'rm /dev/shm/filler');
    expect([found.code, found.bad]).toEqual([2, ['gnode03 shm critical']]);
    expect(found.first?.fix).toBe('opsctl runbook show shm-exhausted');
  });

  it('tells leftovers of an ended process from the files of a living one', async () => {
    await inNode('gnode02', 'echo x >/dev/shm/nccl-dead');
    const living = ['exec 9>/dev/shm/nccl-alive', 'read -r _'].join('; ');
    const holder = spawn('/usr/bin/nsenter', [
      `--target=${pids.get('gnode05')}`,
      '--mount',
      'bash',
      '-c',
      living,
    ]);
    const found = await preflight('--nodes', ALL, '--only', 'shm');
    holder.kill('SIGKILL');
    await inNode('gnode05', 'rm /dev/shm/nccl-alive');
    await inNode('gnode02', 'rm /dev/shm/nccl-dead');
    expect([found.code, found.bad]).toEqual([1, ['gnode02 shm warning']]);
  });

  it('finds a full /tmp, and still runs there', async () => {
    await inNode('gnode06', 'head -c 400M /dev/zero >/tmp/filler 2>/dev/null; true');
    const found = await preflight('--nodes', ALL, '--only', 'tmp');
    await inNode('gnode06', 'rm /tmp/filler');
    expect([found.code, found.bad]).toEqual([2, ['gnode06 tmp critical']]);
    expect(found.first?.fix).toContain('--data-root');
  });

  it('finds the node whose limit of open files is low', async () => {
    const pid = pids.get('gnode04');
    const before = /Max open files +(\d+) +(\d+)/.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'));
    await slurm.slurm(['prlimit', `--pid=${pid}`, '--nofile=400:400']);
    const found = await preflight('--nodes', ALL, '--only', 'limits');
    await slurm.slurm(['prlimit', `--pid=${pid}`, `--nofile=${before?.[1]}:${before?.[2]}`]);
    expect(found.bad).toEqual(['gnode04 limits critical']);
  });

  it('finds what a run needs and one node has not: a directory, a writable output, whole data, a compiler', async () => {
    const [data, runs, path] = ['data', 'runs', 'path'].map((name) => join(slurm.root, name));
    mkdirSync(`${data}`);
    mkdirSync(`${runs}`);
    mkdirSync(`${path}`);
    writeFileSync(join(`${data}`, 'a.jsonl'), '{"text": "one"}\n{"text": "tw');
    const tools = '$(dpkg -L coreutils | grep -E "^(/usr)?/bin/.") /bin/bash';
    await slurm.slurm(['bash', '-c', `ln -s ${tools} "$1"`, 'tools', `${path}`]);
    writeFileSync(join(slurm.root, 'activate'), `export PATH=${path}\n`);
    await inNode('gnode07', `mount -t tmpfs none ${data}`);
    await inNode('gnode08', `mount --bind ${runs} ${runs} && mount -o remount,bind,ro ${runs}`);
    const found = await preflight(
      ...['--phase', 'sft', '-t', 'example', '--set', `data=${data}`, '--set', 'data_suffix=a.jsonl'],
      ...[
        '--set',
        `output=${runs}`,
        '--set',
        `activate=${join(slurm.root, 'activate')}`,
        '--set',
        'python=bash',
      ],
      ...['--nodes', ALL, '--only', 'paths,data,cxx'],
    );
    await inNode('gnode07', `umount ${data}`);
    await inNode('gnode08', `umount ${runs}`);
    expect(found.bad.filter((one) => one.includes(' paths '))).toEqual(['gnode08 paths critical']);
    const of = (check: string, node: string) =>
      found.verdicts.find((verdict) => verdict.check === check && verdict.node === node);
    expect(of('data', 'gnode07')).toMatchObject({ status: 'critical', fact: 'data_missing' });
    expect(of('data', 'gnode01')?.message).toContain('a.jsonl last line');
    expect(found.bad.filter((one) => /^gnode.* cxx critical/.test(one))).toHaveLength(8);
  });

  it('lets the nodes do an all-reduce, and names the one that does not take part', async () => {
    const profile = join(slurm.root, 'opsctl.yaml');
    writeFileSync(
      profile,
      'profiles: { here: { environment: { python: /usr/bin/python3 }, limits: { all_reduce_seconds: 12 } } }\n',
    );
    const ask = (nodes: string) => preflight('--config', profile, '--nodes', nodes, '--only', 'all-reduce');
    const whole = await ask('gnode[01-02]');
    expect([whole.code, whole.bad]).toEqual([0, []]);
    expect(whole.verdicts[0]?.message).toMatch(/^gloo: [1-9]\d* MB\/s between 2 nodes$/);
    await inNode('gnode02', 'mount --bind /bin/false "$(readlink -f /usr/bin/python3)"');
    const start = Date.now();
    const short = await ask('gnode[01-02]');
    await inNode('gnode02', 'umount "$(readlink -f /usr/bin/python3)"');
    expect(short.bad).toEqual(['gnode01 all-reduce critical', 'gnode02 all-reduce unknown']);
    expect(short.first?.message).toBe('not taking part: gnode02');
    expect(Date.now() - start).toBeLessThan(20_000);
  });

  it("calls a probe of a site's own that hangs unknown, and the others are not delayed", async () => {
    writeFileSync(join(config, 'own.sh'), OWN);
    const start = Date.now();
    const found = await preflight('--nodes', ALL, '--only', 'own,shm');
    expect(found.bad).toEqual(['gnode03 own unknown', 'gnode02 own warning']);
    expect(found.first).toMatchObject({ check: 'own' });
    expect(Date.now() - start).toBeLessThan(12_000);
  });

  it('names a node whose slurmd was killed, and hears the others', async () => {
    process.kill(pids.get('gnode08') ?? Number.NaN, 'SIGKILL');
    const found = await preflight('--nodes', ALL, '--only', 'shm');
    expect([found.code, found.bad]).toEqual([3, ['gnode08 node unknown']]);
    expect(found.first?.fix).toContain('scontrol show node gnode08');
    expect(found.verdicts.filter(({ check, status }) => check === 'shm' && status === 'ok')).toHaveLength(7);
    const left = await slurm.slurm(['squeue', '--noheader', '--states=PD,R']);
    expect(left.stdout).toBe('');
  });
});

const OWN = `#!/usr/bin/env bash
# ---
# id: own
# question: "Is the site's own thing well?"
# scope: node
# level: node
# gate: false
# seconds: 2
# rules:
#   - fact: thing
#     op: eq
#     limit: broken
#     severity: warning
#     message: "the thing is {thing}"
#     fix: "mend-thing"
# ---
if [[ $SLURMD_NODENAME == gnode03 ]]; then sleep 60; fi
if [[ $SLURMD_NODENAME == gnode02 ]]; then echo thing=broken; else echo thing=fine; fi
`;
