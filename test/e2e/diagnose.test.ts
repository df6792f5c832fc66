import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxStatus } from '../../src/sandbox/status.ts';
import { type RunResult, startSandbox, type TestSandbox, until } from './support.ts';

interface Report {
  readonly status: string;
  readonly causes: readonly {
    readonly fault: string;
    readonly confidence: number;
    readonly evidence: readonly { readonly text: string; readonly rank: number | null }[];
  }[];
}

const root = join(import.meta.dirname, '..', '..');
let slurm: TestSandbox;
let data: string;
/** Jobs that take long to fail: they run while the others do. */
let slow: Readonly<Record<'timeLimit' | 'nodeKilled' | 'memoryLimit' | 'preempted' | 'rendezvous', string>>;

beforeAll(async () => {
  slurm = await startSandbox(['--nodes', '4', '--shm', '4m']);
  data = join(slurm.root, 'data');
  const made = spawnSync('/usr/bin/python3', [
    join(root, 'examples', 'lm', 'make_data.py'),
    ...['--out', data, '--samples', '300', '--files', '1'],
  ]);
  expect(made.status).toBe(0);
  addDrillTrainer();
  const timeLimit = await batch(['--nodelist=gnode01', '--time=1'], 'srun sleep 600');
  const nodeKilled = await batch(['--nodelist=gnode[03-04]', '--no-requeue'], 'srun --label sleep 600');
  await running(nodeKilled);
  const { nodes } = JSON.parse(
    (await slurm.opsctl(['sandbox', 'status', '--dir', slurm.dir, '--json'])).stdout,
  ) as SandboxStatus;
  const pid = nodes.find(({ node }) => node === 'gnode04')?.pid;
  process.kill(pid ?? Number.NaN, 'SIGKILL');
  slow = { timeLimit, nodeKilled, ...(await startOthers()) };
});
afterAll(() => slurm.down());

/** What takes more memory than it asked for, what others push aside, and half of a rendezvous. */
async function startOthers() {
  const memoryLimit = await batch(
    ['--nodelist=gnode01', '--mem=100', '--time=5'],
    `srun /usr/bin/python3 -c 'import time; held = bytearray(300 << 20); time.sleep(120)'`,
  );
  const rendezvous = await batch(
    ['--nodelist=gnode01'],
    'srun torchrun --nnodes=2 --nproc_per_node=1 --rdzv_backend=c10d --rdzv_endpoint=127.0.0.1:$((20000 + SLURM_JOB_ID)) --rdzv_conf=join_timeout=5 train.py',
  );
  const preempted = await batch(
    ['--partition=scavenge', '--nodelist=gnode02', '--exclusive', '--no-requeue'],
    // Who ends at the warning that a partition's GraceTime gives has only failed.
    "trap '' TERM; sleep 600",
  );
  await running(preempted);
  await batch(['--nodelist=gnode02', '--exclusive'], 'sleep 1');
  return { memoryLimit, rendezvous, preempted };
}

/** A site's own trainer: the example's launch with a program that fails as it is told. */
function addDrillTrainer(): void {
  const folder = join(slurm.env.XDG_CONFIG_HOME ?? '', 'opsctl', 'templates', 'trainers', 'drill');
  mkdirSync(folder, { recursive: true });
  const drill = join(import.meta.dirname, 'diagnose-drill.py');
  const source = join(root, 'templates', 'trainers', 'example');
  for (const name of readdirSync(source)) {
    const example = readFileSync(join(source, name), 'utf8');
    // The parts of all its programs, and one program.
    if (name !== 'sft.hbs' && /^phases:/m.test(example)) continue;
    // Its flags are its own, so it names no list of them.
    const own = example
      .replace('{{sh example_dir}}/train.py', drill)
      .replace(/^(?:program|version): .*\n/gm, '');
    writeFileSync(join(folder, name), own);
  }
}

async function submit(
  trainer: string,
  name: string,
  options: readonly string[],
  flags: readonly string[] = [],
): Promise<string> {
  // The gate would not let a run start on nodes with so little of everything.
  const common = [
    ...['--python', '/usr/bin/python3', '--gate', 'off'],
    '--data',
    data,
    '--output',
    join(slurm.root, 'runs'),
  ];
  const result = await slurm.opsctl([
    ...['submit', 'sft', '-t', trainer, '--name', name, '--json', ...common, ...options],
    ...(flags.length > 0 ? ['--', ...flags] : []),
  ]);
  expect(result, result.stderr).toMatchObject({ code: 0 });
  return (JSON.parse(result.stdout) as { jobId: string }).jobId;
}

/** A two-rank run on one node in which rank 1 fails. */
const drill = (fault: string, at = '') =>
  submit(
    'drill',
    fault,
    ['--nodelist', 'gnode01'],
    ['--fault', fault, '--rank', '1', ...(at ? ['--at', at] : [])],
  );

async function batch(options: readonly string[], script: string): Promise<string> {
  const log = join(slurm.root, 'slurm-%j.out');
  const result = await slurm.slurm(['sbatch', '--parsable', `--output=${log}`, ...options], {
    input: `#!/bin/bash\n${script}\n`,
  });
  expect(result, result.stderr).toMatchObject({ code: 0 });
  return result.stdout.trim();
}

const state = async (job: string) =>
  (await slurm.slurm(['squeue', '--noheader', '--states=all', '--format=%T', `--jobs=${job}`])).stdout.trim();
const running = (job: string) => until(`start of job ${job}`, async () => (await state(job)) === 'RUNNING');

/** Waits for the job's end and asks why, by its id. */
async function whyEnded(job: string, limitMs = 60_000): Promise<{ result: RunResult; report: Report }> {
  await until(
    `end of job ${job}`,
    async () => !/^(?:PENDING|RUNNING|COMPLETING|)$/.test(await state(job)),
    limitMs,
  );
  const result = await slurm.opsctl(['diagnose', job, '--json']);
  expect(result.code, result.stderr).toBeLessThanOrEqual(3);
  expect(result.stdout, result.stderr).not.toBe('');
  return { result, report: JSON.parse(result.stdout) as Report };
}

async function expectFault(job: string, fault: string, evidence: string, limitMs?: number): Promise<void> {
  const { result, report } = await whyEnded(job, limitMs);
  expect({ code: result.code, fault: report.causes[0]?.fault }, result.stdout).toEqual({ code: 1, fault });
  const quoted = report.causes[0]?.evidence.map(({ text }) => text).join('\n');
  expect(quoted).toContain(evidence);
}

const logOf = (name: string) => readFileSync(join(slurm.root, 'runs', name, 'logs', 'job.log'), 'utf8');
const stepping = (name: string, step = 2) =>
  until(`steps of ${name}`, async () => {
    try {
      return logOf(name).includes(`step=${step}/`);
    } catch {
      return false;
    }
  });

describe('opsctl diagnose JOB', () => {
  it('calls a run that is fine healthy', async () => {
    const job = await submit('example', 'fine', ['--max-steps', '10', '--nodelist', 'gnode01']);
    const { result, report } = await whyEnded(job);
    expect({ code: result.code, status: report.status }, result.stdout).toEqual({
      code: 0,
      status: 'healthy',
    });
  });

  it('knows a wrong flag', async () => {
    // Which submit would have refused.
    const options = ['--nodelist', 'gnode01', '--flag-check', 'off'];
    const job = await submit('example', 'flag', options, ['--no_such_flag', '1']);
    await expectFault(job, 'bad-argument', 'no_such_flag');
  });

  it.each([
    ['exception', 'python-error', "KeyError: 'labels'"],
    ['module', 'python-dep-missing', 'flash_attention_of_nobody'],
    ['segfault', 'segfault', 'Segmentation fault'],
  ])('knows a rank that ended by %s', async (kind, fault, evidence) => {
    await expectFault(await drill(kind), fault, evidence);
  });

  it('knows a port that is in use', async () => {
    const server = createServer().listen(0, '0.0.0.0');
    await until('the port', () => server.listening);
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    try {
      await expectFault(await drill('port', String(port)), 'port-in-use', String(port));
    } finally {
      server.close();
    }
  });

  it('knows that rank 3 filled /dev/shm, whomever torchrun blames', async () => {
    const job = await submit(
      'drill',
      'shm',
      ['--nodes', '2', '--nodelist', 'gnode[01-02]'],
      ['--fault', 'shm', '--rank', '3'],
    );
    await expectFault(job, 'shm-exhausted', 'No space left on device');
  });

  it('knows a rank that was killed from outside', async () => {
    const job = await submit('drill', 'killed', ['--nodelist', 'gnode01']);
    await stepping('killed');
    process.kill(Number(/rank=1 pid=(\d+)/.exec(logOf('killed'))?.[1]), 'SIGKILL');
    await expectFault(job, 'killed-external', 'SIGKILL');
  });

  it('knows a job that its user cancelled', async () => {
    const job = await submit('drill', 'cancelled', ['--nodelist', 'gnode01']);
    await stepping('cancelled');
    await slurm.slurm(['scancel', job]);
    await expectFault(job, 'cancelled', 'CANCELLED');
  });

  it('knows a run that hung before its user cancelled it', async () => {
    const job = await submit('drill', 'hung', ['--nodelist', 'gnode01'], ['--fault', 'hang', '--rank', '1']);
    await stepping('hung', 5);
    await slurm.slurm(['scancel', job]);
    const { report } = await whyEnded(job);
    expect(['hang', 'cancelled']).toContain(report.causes[0]?.fault);
  });

  it('knows a host memory limit', async () => {
    await expectFault(slow.memoryLimit, 'host-oom', 'exceeded memory limit');
  });

  it('knows a job that made way for another', async () => {
    await expectFault(slow.preempted, 'preempted', 'PREEMPTION');
  });

  it('knows a rendezvous that never completes', async () => {
    await expectFault(slow.rendezvous, 'rendezvous-failed', 'Rendezvous');
  });

  it.runIf(process.getuid?.() === 0)('knows a full disk under the checkpoints', async () => {
    const disk = join(slurm.root, 'disk');
    mkdirSync(disk);
    // Mounted by the job, because the mounts of a node are its own.
    const job = await batch(
      ['--nodelist=gnode02'],
      `mount -t tmpfs -o size=1m full ${disk}\nsrun /usr/bin/python3 -c 'import torch; torch.save(torch.ones(1 << 20), "${disk}/model.pt")'\ncode=$?\numount ${disk}\nexit $code`,
    );
    await expectFault(job, 'disk-full', 'PytorchStreamWriter failed');
  });

  it('knows a program that may not be started', async () => {
    const tool = join(slurm.root, 'tool');
    // Root may read every file, but starts none without the bit for it.
    writeFileSync(tool, '', { mode: 0o644 });
    await expectFault(await drill('permission', tool), 'permission-denied', 'Permission denied');
  });

  it('knows a node that was lost', async () => {
    await expectFault(slow.nodeKilled, 'node-fail', 'NODE_FAIL');
  });

  it('knows the time limit', async () => {
    await expectFault(slow.timeLimit, 'time-limit', 'TIME LIMIT', 120_000);
  });
});
