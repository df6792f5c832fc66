import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Manifest } from '../../src/run/manifest.ts';
import { type RunResult, startSandbox, type TestSandbox, until } from './support.ts';

let slurm: TestSandbox;
let data: string;
let bin: string;
const COMMON = ['--python', '/usr/bin/python3', '--nodes', '2', '--json'];

beforeAll(async () => {
  slurm = await startSandbox(['--nodes', '4']);
  data = join(slurm.root, 'data');
  bin = join(slurm.root, 'bin');
  mkdirSync(bin);
  const made = spawnSync('/usr/bin/python3', [
    'examples/lm/make_data.py',
    '--out',
    data,
    '--samples',
    '600',
    '--files',
    '3',
    '--seed',
    '1',
  ]);
  expect(made.status).toBe(0);
});
afterAll(() => slurm.down());

function submit(options: readonly string[], env: Record<string, string> = {}): Promise<RunResult> {
  const defaults = options.includes('--data') ? [] : ['--data', data];
  const output = options.includes('--output') ? [] : ['--output', join(slurm.root, 'runs')];
  return slurm.opsctl(['submit', 'sft', '-t', 'example', ...COMMON, ...defaults, ...output, ...options], {
    env,
  });
}

const parsed = (result: RunResult) => {
  expect(result, result.stderr).toMatchObject({ code: 0 });
  return JSON.parse(result.stdout) as {
    runId: string;
    jobId: string;
    outputDir: string;
    estimatedStart: string;
  };
};
const status = async (run: string) =>
  JSON.parse((await slurm.opsctl(['status', run, '--json'])).stdout) as { state: string; jobId: string };
const ended = (run: string, limitMs = 120_000) =>
  until(
    `the end of ${run}`,
    async () =>
      /COMPLETED|FAILED|CANCELLED|TIMEOUT/.test((await status(run)).state) && (await status(run)).state,
    limitMs,
  );
const manifestOf = (runId: string) =>
  JSON.parse(
    readFileSync(join(slurm.env.OPSCTL_HOME ?? '', 'runs', runId, 'manifest.json'), 'utf8'),
  ) as Manifest;
const jobNames = async () =>
  (await slurm.slurm(['squeue', '--noheader', '--states=all', '--format=%j'])).stdout.trim().split('\n');
/** All files below a directory with their contents, to see that nothing has changed. */
function tree(directory: string): Record<string, string> {
  if (!existsSync(directory)) return {};
  const names = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    names.map((entry) => [
      join(entry.parentPath, entry.name),
      readFileSync(join(entry.parentPath, entry.name), 'utf8'),
    ]),
  );
}
/** A program that stands before the real one on PATH. */
function standBefore(program: string, body: string): Record<string, string> {
  const directory = join(bin, `${program}-${Math.random().toString(36).slice(2)}`);
  mkdirSync(directory);
  const real = spawnSync('bash', ['-c', `type -P ${program}`], { encoding: 'utf8' }).stdout.trim();
  writeFileSync(join(directory, program), `#!/bin/bash\nREAL=${real}\n${body}\n`);
  chmodSync(join(directory, program), 0o755);
  return { PATH: `${directory}:${process.env.PATH}` };
}

describe('opsctl submit sft', () => {
  it('trains on two nodes to the end and leaves everything in one directory', async () => {
    const { runId, jobId, outputDir, estimatedStart } = parsed(
      await submit(['--max-steps', '30', '--save-steps', '15', '--name', 'whole-way']),
    );
    expect(estimatedStart).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(await ended(runId)).toBe('COMPLETED');
    const log = readFileSync(join(outputDir, 'logs', 'job.log'), 'utf8');
    expect(log).toMatch(/0: .*step=30\/30 .*loss=\d/);
    expect(log).toContain('world_size=4');
    expect(
      readdirSync(join(outputDir, 'logs', 'attempt-0')).filter((name) => name.startsWith('node-')),
    ).toEqual(['node-0-gnode01.log', 'node-1-gnode02.log']);
    expect(readdirSync(join(outputDir, 'checkpoints'))).toEqual(
      expect.arrayContaining(['checkpoint-15', 'checkpoint-30', 'final_30']),
    );
    const manifest = manifestOf(runId);
    expect(manifest).toMatchObject({
      runId,
      jobId,
      state: 'submitted',
      phase: 'sft',
      trainer: 'example',
      data: { files: 3 },
    });
    expect(manifest.parameters.max_steps).toEqual({ value: 30, source: 'flag', where: '--max-steps' });
    expect(JSON.parse(readFileSync(join(outputDir, 'manifest.json'), 'utf8'))).toEqual(manifest);
    expect(JSON.parse(readFileSync(join(outputDir, 'attempts', '0.json'), 'utf8'))).toMatchObject({
      jobId,
      exitCode: 0,
      nodes: ['gnode01', 'gnode02'],
    });
  });

  it('resumes after a requeue from its newest checkpoint and keeps the log of the first attempt', async () => {
    const { runId, jobId, outputDir } = parsed(
      await submit(['--max-steps', '60', '--save-steps', '10', '--step-delay', '0.2', '--name', 'requeued']),
    );
    await until(
      'the first checkpoint',
      () => existsSync(join(outputDir, 'checkpoints', 'checkpoint-10')),
      60_000,
    );
    expect(await slurm.slurm(['scontrol', 'requeue', jobId])).toMatchObject({ code: 0 });
    // Slurm holds a requeued job back; an operator may shorten that, as long as the job waits.
    await until(
      'the second attempt',
      async () => {
        await slurm.slurm(['scontrol', 'update', `JobId=${jobId}`, 'StartTime=now']);
        return existsSync(join(outputDir, 'attempts', '1.json'));
      },
      120_000,
    );
    expect(await ended(runId)).toBe('COMPLETED');
    const log = readFileSync(join(outputDir, 'logs', 'job.log'), 'utf8');
    expect(log).toMatch(/attempt 0 of job[\s\S]*attempt 1 of job[\s\S]*resumed step=\d+ /);
    expect(log).toMatch(/step=60\/60/);
    expect(JSON.parse(readFileSync(join(outputDir, 'attempts', '1.json'), 'utf8'))).toMatchObject({
      exitCode: 0,
    });
  });

  it('runs where the paths hold spaces, quotes, percent signs and $(…)', async () => {
    const odd = join(slurm.root, `it's "odd" 100%j $(touch canary) \`x\``);
    mkdirSync(odd);
    const { runId, outputDir } = parsed(
      await submit(['--output', odd, '--max-steps', '5', '--name', 'odd-path']),
    );
    expect(await ended(runId)).toBe('COMPLETED');
    expect(readFileSync(join(outputDir, 'logs', 'job.log'), 'utf8')).toContain('step=5/5');
    expect(existsSync(join(slurm.root, 'canary'))).toBe(false);
    expect(existsSync(join(outputDir, 'canary'))).toBe(false);
  });

  it('writes nothing with --dry-run, and says what it would do', async () => {
    const earlier = { root: tree(join(slurm.root, 'runs')), state: tree(slurm.env.OPSCTL_HOME ?? '') };
    const dry = await submit(['--dry-run', '--name', 'dry', '--learning-rate', '0.001']);
    expect(JSON.parse(dry.stdout)).toMatchObject({ runId: 'dry', jobId: null, preflight: { status: 'ok' } });
    expect({ root: tree(join(slurm.root, 'runs')), state: tree(slurm.env.OPSCTL_HOME ?? '') }).toEqual(
      earlier,
    );
    expect(await jobNames()).not.toContain('dry');
  });
});

describe('a submission that fails', () => {
  it.each([
    ['a partition that is not there', ['--partition', 'nope', '--name', 'f1'], 2, 'Invalid partition'],
    ['more nodes than there are', ['--nodes', '40', '--name', 'f2'], 2, 'Slurm would refuse it'],
    ['data that is not there', ['--data', '/none', '--name', 'f3'], 2, '/none does not exist'],
    ['a model that is not there', ['--model', '/no model', '--name', 'f4'], 2, '/no model cannot be read'],
    ['a line break in a path', ['--model', '/a\nb', '--name', 'f5'], 64, 'line break'],
    ['a backslash in the output', ['--output', '/tmp/a\\b', '--name', 'f8'], 64, 'holds a backslash'],
    ['an unknown parameter', ['--set', 'learning_rat=1', '--name', 'f6'], 64, 'Did you mean "learning_rate"'],
    ['a wrong type', ['--max-steps', 'many', '--name', 'f7'], 64, 'no whole number'],
  ])('because of %s says so and leaves nothing behind', async (_, options, code, words) => {
    const earlier = tree(slurm.env.OPSCTL_HOME ?? '');
    const result = await submit(options);
    expect(result).toMatchObject({ code });
    // What was checked is JSON for who asked for it; what was typed wrongly is not.
    if (code === 2)
      expect(JSON.parse(result.stdout)).toMatchObject({ jobId: null, preflight: { status: 'critical' } });
    else expect(result.stdout).toBe('');
    expect(result.stderr).toContain(words);
    expect(existsSync(join(slurm.root, 'runs', options.at(-1) ?? ''))).toBe(false);
    expect(tree(slurm.env.OPSCTL_HOME ?? '')).toEqual(earlier);
  });

  it('because Slurm says no at the last moment leaves nothing behind', async () => {
    const env = standBefore(
      'sbatch',
      'case "$*" in *--test-only*) exec $REAL "$@";; esac\necho "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy" >&2\nexit 1',
    );
    const result = await submit(['--name', 'late-no', '--seed', '5'], env);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('violates accounting/QOS policy');
    expect(existsSync(join(slurm.root, 'runs', 'late-no'))).toBe(false);
    // Nor does the claim stay: the same thing can be submitted now.
    expect(await submit(['--name', 'late-yes', '--seed', '5', '--step-delay', '1'])).toMatchObject({
      code: 0,
    });
    await slurm.opsctl(['cancel', 'late-yes']);
  });
});

describe('a name', () => {
  it('is one run, whatever the output: the second is refused and harms nothing of the first', async () => {
    const first = parsed(
      await submit([
        '--name',
        'one-name',
        '--output',
        join(slurm.root, 'a'),
        '--step-delay',
        '1',
        '--seed',
        '30',
      ]),
    );
    for (const more of [[], ['--partition', 'nope', '--no-preflight']]) {
      const second = await submit([
        '--name',
        'one-name',
        '--output',
        join(slurm.root, 'b'),
        '--seed',
        '31',
        ...more,
      ]);
      expect(second.code).toBe(64);
      expect(second.stderr).toContain('there is a run one-name already');
    }
    expect(manifestOf('one-name')).toMatchObject({ jobId: first.jobId, outputDir: first.outputDir });
    expect(existsSync(join(slurm.root, 'b', 'one-name'))).toBe(false);
    await slurm.opsctl(['cancel', 'one-name']);
  });

  it.each(['42', 'last', '---'])('is refused when it would be taken for something else: %s', async (name) => {
    expect(await submit(['--name', name])).toMatchObject({ code: 64 });
  });
});

describe('a signal before the end', () => {
  it('leaves a checkpoint of all ranks, and is no failure of any node', async () => {
    const { runId, jobId, outputDir } = parsed(
      await submit(['--max-steps', '500', '--step-delay', '0.1', '--name', 'signalled', '--seed', '32']),
    );
    await until(
      'the first steps',
      () =>
        existsSync(join(outputDir, 'logs', 'job.log')) &&
        readFileSync(join(outputDir, 'logs', 'job.log'), 'utf8').includes('step=10/'),
      90_000,
    );
    expect(await slurm.slurm(['scancel', '--signal=TERM', jobId])).toMatchObject({ code: 0 });
    expect(await ended(runId)).toBe('FAILED');
    const log = readFileSync(join(outputDir, 'logs', 'job.log'), 'utf8');
    expect(log).toContain('stopped signal=SIGTERM');
    expect(log).not.toContain('Terminated');
    expect(JSON.parse(readFileSync(join(outputDir, 'attempts', '0.json'), 'utf8'))).toMatchObject({
      exitCode: 75,
    });
    expect(readdirSync(join(outputDir, 'checkpoints')).some((name) => /^checkpoint-\d+$/.test(name))).toBe(
      true,
    );
    expect((await slurm.opsctl(['status', runId])).stdout).toContain('A signal stopped it before its end');
  });
});

describe('a run that its owner cancels', () => {
  it.each([
    ['while it trains', 'unwanted', 'step='],
    ['while it starts', 'too-early', 'resuming from'],
  ])('%s says so itself, and invites nobody to requeue it', async (_, name, printed) => {
    const { outputDir } = parsed(
      await submit([
        '--step-delay',
        '1',
        '--time',
        '5',
        '--name',
        name,
        '--seed',
        printed === 'step=' ? '35' : '34',
      ]),
    );
    const read = (file: string) => readFileSync(join(outputDir, file), 'utf8');
    const attempt = () => (existsSync(join(outputDir, 'attempts', '0.json')) ? read('attempts/0.json') : '');
    await until('its start', () => attempt() !== '' && read('logs/job.log').includes(printed), 90_000);
    expect(await slurm.opsctl(['cancel', name])).toMatchObject({ code: 0 });
    const record = await until('its own record', () => (attempt().includes('"endedAt":"') ? attempt() : ''));
    expect(JSON.parse(record)).toMatchObject({ reason: 'cancelled', requeued: false });
    expect(await ended(name)).toBe('CANCELLED');
    expect(read('logs/job.log')).not.toContain('scontrol requeue');
    expect((await slurm.opsctl(['status', name])).stdout).not.toContain(
      'such as the one before the time limit',
    );
  });
});

describe('a job that Slurm has taken', () => {
  it('is found again when opsctl is killed before it could write the job id down', async () => {
    const env = standBefore(
      'sbatch',
      'case "$*" in *--test-only*) exec $REAL "$@";; esac\n$REAL "$@" >/dev/null\nkill -9 $PPID',
    );
    const killed = await submit(['--name', 'orphan', '--step-delay', '1', '--seed', '6'], env);
    expect(killed.code).not.toBe(0);
    expect(manifestOf('orphan')).toMatchObject({ state: 'submitting', jobId: null });
    const found = await until('the job', async () => (await status('orphan')).jobId ?? undefined);
    expect(found).toMatch(/^\d+$/);
    // And it is not submitted a second time by accident.
    const again = await submit(['--name', 'orphan-2', '--step-delay', '1', '--seed', '6']);
    expect(again.code).toBe(64);
    expect(again.stderr).toContain('submitted before, as run orphan');
    await slurm.opsctl(['cancel', 'orphan']);
  });

  it('keeps its intent when sbatch does not answer', async () => {
    const env = standBefore(
      'sbatch',
      'case "$*" in *--test-only*) exec $REAL "$@";; esac\n$REAL "$@" >/dev/null\necho "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2\nexit 1',
    );
    const result = await submit(['--name', 'silent', '--step-delay', '1', '--seed', '7'], env);
    expect(result.code).toBe(75);
    expect(result.stderr).toContain('not known whether Slurm took the job');
    expect(await status('silent')).toMatchObject({ jobId: expect.stringMatching(/^\d+$/) });
    await slurm.opsctl(['cancel', 'silent']);
  });

  it.each([
    ['prints no job id', '$REAL "$@" >/dev/null'],
    ['is killed by a signal', '$REAL "$@" >/dev/null\nkill -9 $$'],
    [
      'fails with words that nobody knows',
      '$REAL "$@" >/dev/null\necho "sbatch: error: Message receive failure" >&2\nexit 1',
    ],
    ['speaks as without --parsable', 'id=$($REAL "$@")\necho "Submitted batch job $id"'],
  ])('is kept when sbatch %s', async (what, body) => {
    const name = `odd-sbatch-${what.length}`;
    const env = standBefore('sbatch', `case "$*" in *--test-only*) exec $REAL "$@";; esac\n${body}`);
    const result = parsed(
      await submit(['--name', name, '--step-delay', '1', '--seed', String(40 + what.length)], env),
    );
    expect(result.jobId).toMatch(/^\d+$/);
    expect(manifestOf(name)).toMatchObject({ state: 'submitted', jobId: result.jobId });
    await slurm.opsctl(['cancel', name]);
  });

  it('is not waited for where there is no Slurm: nothing stays behind, not even without checks', async () => {
    const programs = join(bin, 'without-slurm');
    mkdirSync(programs);
    for (const program of ['node', 'git']) {
      const real = spawnSync('bash', ['-c', `type -P ${program}`], { encoding: 'utf8' }).stdout.trim();
      symlinkSync(real, join(programs, program));
    }
    const env = { PATH: programs };
    const result = await submit(['--name', 'no-slurm', '--no-preflight', '--seed', '33'], env);
    expect(result).toMatchObject({ code: 69 });
    expect(existsSync(join(slurm.root, 'runs', 'no-slurm'))).toBe(false);
    expect(existsSync(join(slurm.env.OPSCTL_HOME ?? '', 'runs', 'no-slurm'))).toBe(false);
  });
});

describe('the same thing twice', () => {
  it('is noticed, and done on demand', async () => {
    const same = ['--step-delay', '1', '--seed', '8'];
    const first = parsed(await submit([...same, '--name', 'twin-1']));
    const second = await submit([...same, '--name', 'twin-2']);
    expect(second.code).toBe(64);
    expect(second.stderr).toContain(`run twin-1 (job ${first.jobId})`);
    expect(existsSync(join(slurm.root, 'runs', 'twin-2'))).toBe(false);
    expect(parsed(await submit([...same, '--name', 'twin-2', '--again'])).runId).toBe('twin-2');
    const taken = await submit([...same, '--name', 'twin-1', '--again']);
    expect(taken.code).toBe(64);
    expect(taken.stderr).toContain('there is a run twin-1 already');
    for (const run of ['twin-1', 'twin-2']) await slurm.opsctl(['cancel', run]);
  });

  it('at the same moment is submitted once', async () => {
    const results = await Promise.all(
      [1, 2, 3].map((n) => submit(['--step-delay', '1', '--seed', '9', '--name', `race-${n}`])),
    );
    expect(results.map((result) => result.code).sort()).toEqual([0, 64, 64]);
    const names = (await jobNames()).filter((name) => name.startsWith('race-'));
    expect(names).toHaveLength(1);
    await slurm.opsctl(['cancel', names[0] ?? '']);
  });
});

describe.runIf(process.getuid?.() === 0)('a place that cannot be written', () => {
  /** A small file system of its own, which nobody else may write to; options as for mount -o. */
  async function withMount(
    options: string,
    act: (place: string) => Promise<void>,
    fill?: (place: string) => void,
  ): Promise<void> {
    const place = join(slurm.root, `mount-${Math.random().toString(36).slice(2)}`);
    mkdirSync(place);
    expect(
      spawnSync('mount', ['-t', 'tmpfs', '-o', `${options},mode=0755`, 'opsctl-test', place]).status,
    ).toBe(0);
    try {
      fill?.(place);
      await act(place);
    } finally {
      expect(spawnSync('umount', [place]).status).toBe(0);
    }
  }
  const fillUp = (place: string) => {
    expect(() => {
      for (;;) writeFileSync(join(place, 'ballast'), Buffer.alloc(4096), { flag: 'a' });
    }).toThrow('ENOSPC');
  };

  it('for the state, because it is read-only: says so, submits nothing, leaves nothing', async () => {
    await withMount('size=1m,ro', async (place) => {
      const result = await submit(['--name', 'ro-state', '--seed', '20'], { OPSCTL_HOME: place });
      expect(result.code).toBe(1);
      expect(result.stderr).toContain('read-only; choose another path');
      expect(existsSync(join(slurm.root, 'runs', 'ro-state'))).toBe(false);
      expect(await jobNames()).not.toContain('ro-state');
    });
  });

  it('for the state, because it is full: the same', async () => {
    await withMount(
      'size=64k',
      async (place) => {
        const result = await submit(['--name', 'full-state', '--seed', '21'], { OPSCTL_HOME: place });
        expect(result.code).toBe(1);
        expect(result.stderr).toContain('full; see `df -h`');
        expect(existsSync(join(slurm.root, 'runs', 'full-state'))).toBe(false);
        expect(await jobNames()).not.toContain('full-state');
      },
      fillUp,
    );
  });

  it('for the run, because it is full or read-only: is found before anything is written', async () => {
    await withMount(
      'size=64k',
      async (place) => {
        const result = await submit(['--name', 'full-output', '--output', join(place, 'runs')]);
        expect(result).toMatchObject({ code: 2 });
        expect(result.stderr).toContain(`the file system of ${place} is full`);
      },
      fillUp,
    );
    await withMount('size=64k,ro', async (place) => {
      const result = await submit(['--name', 'ro-output', '--output', place]);
      expect(result).toMatchObject({ code: 2 });
      expect(result.stderr).toContain('read-only file system');
    });
  });
});

describe('with Slurm down', () => {
  it('submit and status answer 75 in under ten seconds, and leave nothing', async () => {
    const { pids } = JSON.parse(
      (await slurm.opsctl(['sandbox', 'status', '--dir', slurm.dir, '--json'])).stdout,
    ) as { pids: { slurmctld: number } };
    // It dies while sbatch is at work: whether it took the job is not known, so the intent stays.
    const env = standBefore(
      'sbatch',
      `case "$*" in *--test-only*) exec $REAL "$@";; esac\nkill -9 ${pids.slurmctld}\nexec $REAL "$@"`,
    );
    const caught = await submit(['--name', 'caught', '--seed', '11'], env);
    expect(caught, caught.stderr).toMatchObject({ code: 75 });
    expect(manifestOf('caught')).toMatchObject({ state: 'submitting', jobId: null, unsure: {} });
    const start = Date.now();
    const result = await submit(['--name', 'while-down', '--seed', '10']);
    expect(Date.now() - start).toBeLessThan(10_000);
    expect(result.code).toBe(75);
    expect(existsSync(join(slurm.root, 'runs', 'while-down'))).toBe(false);
    const begin = Date.now();
    expect(await slurm.opsctl(['status', 'whole-way', '--json'])).toMatchObject({ code: 75 });
    expect(Date.now() - begin).toBeLessThan(10_000);
  });
});
