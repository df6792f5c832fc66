import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPSCTL, run, startSandbox, type TestSandbox, temporaryDirectory, traces, until } from './support.ts';

describe('a sandbox of two nodes', () => {
  let sandbox: TestSandbox;
  beforeAll(async () => {
    sandbox = await startSandbox();
  });
  afterAll(() => sandbox?.down());

  const opsctl = (...words: string[]) => sandbox.opsctl(['sandbox', ...words, '--dir', sandbox.dir]);
  const onNode = async (node: string, script: string) =>
    (await sandbox.slurm(['srun', '-N1', '-w', node, 'sh', '-c', script])).stdout.trim();
  const pids = async () => {
    const status = JSON.parse((await opsctl('status', '--json')).stdout) as {
      nodes: { node: string; pid: number; state: string }[];
      pids: Record<string, number>;
    };
    return { node: status.nodes.map((node) => node.pid), slurmctld: status.pids.slurmctld ?? 0 };
  };

  it('runs a job on both nodes at once', async () => {
    const job = await sandbox.slurm(['srun', '-N2', 'printenv', 'SLURMD_NODENAME']);
    expect(job.stdout.trim().split('\n').sort()).toEqual(['gnode01', 'gnode02']);
  });

  it('hands out typed GPUs', async () => {
    const job = await sandbox.slurm(['srun', '--gres=gpu:a100:3', 'printenv', 'CUDA_VISIBLE_DEVICES']);
    expect(job.stdout.trim()).toBe('0,1,2');
    const tooMany = await sandbox.slurm(['srun', '--gres=gpu:9', 'true']);
    expect(tooMany.stderr).toContain('Requested node configuration is not available');
  });

  it('gives each node a /dev/shm that neither the other nor the host sees, and that fills up alone', async () => {
    const file = `/dev/shm/${sandbox.root.split('/').at(-1)}`;
    expect(await onNode('gnode01', `head -c 100000000 /dev/zero > ${file}; stat -c %s ${file}`)).toBe(
      '67108864',
    );
    expect(await onNode('gnode02', `ls /dev/shm; df --output=pcent /dev/shm | tail -1`)).toBe('0%');
    expect(existsSync(file)).toBe(false);
    await onNode('gnode01', `rm ${file}`);
  });

  it('shows the nodes what is shared below /tmp and nothing else there', async () => {
    writeFileSync('/tmp/opsctl-e2e-host-only', '');
    try {
      const seen = await onNode('gnode01', `ls /tmp; test -f "$SLURM_CONF"; touch ${sandbox.root}/written`);
      // The checkout is visible as well, where it lies below /tmp itself.
      const checkout = process.cwd().startsWith('/tmp/') ? [process.cwd().split('/')[2]] : [];
      expect(seen.split('\n').sort()).toEqual([sandbox.root.split('/')[2], ...checkout].sort());
      expect(existsSync(join(sandbox.root, 'written'))).toBe(true);
    } finally {
      rmSync('/tmp/opsctl-e2e-host-only');
    }
  });

  it('has a partition with a short time limit and one that yields to the others', async () => {
    const partitions = (await sandbox.slurm(['sinfo', '-h', '-o', '%R %l %M'])).stdout.trim().split('\n');
    expect(partitions.sort()).toEqual([
      'debug 30:00 OFF',
      'gpu 7-00:00:00 OFF',
      'scavenge 1-00:00:00 REQUEUE',
    ]);
  });

  it('is up already when asked again, and says so when asked for another shape', async () => {
    const again = await opsctl('up', '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ outcome: 'already-up', privateShm: true });
    const other = await opsctl('up', '--nodes', '3');
    expect(other.code).toBe(64);
    expect(other.stderr).toContain('--nodes is 2, you asked for 3');
  });

  it('prints an environment that a shell can evaluate', async () => {
    const script = `eval "$(${OPSCTL} sandbox env --dir ${sandbox.dir})"; sinfo -h -o %D; echo "$OPSCTL_SANDBOX_SHARED"`;
    const shell = await run(['sh', '-c', script], { env: { SLURM_CONF: undefined } });
    expect(shell.stdout).toBe(`2\n${sandbox.dir}/shared\n`);
  });

  it('starts again what was killed, and its jobs live on', async () => {
    const job = (
      await sandbox.slurm(['sbatch', '--parsable', '-w', 'gnode01', '--wrap', 'sleep 600'])
    ).stdout.trim();
    const state = async () => (await sandbox.slurm(['squeue', '-h', '-j', job, '-o', '%T'])).stdout.trim();
    await until('the job runs', async () => (await state()) === 'RUNNING');
    // slurmctld writes its jobs down every few seconds; one killed before that knows nothing of them.
    const saved = join(sandbox.dir, 'state', 'job_state');
    const runningSince = Date.now();
    await until('the job is on disk', () => existsSync(saved) && statSync(saved).mtimeMs > runningSince);
    const before = await pids();
    for (const pid of [before.slurmctld, before.node[1] ?? 0]) process.kill(pid, 'SIGKILL');
    expect((await opsctl('status')).code).toBe(1);
    expect(JSON.parse((await opsctl('up', '--json')).stdout)).toMatchObject({ outcome: 'repaired' });
    expect((await opsctl('status')).code).toBe(0);
    expect(await state()).toBe('RUNNING');
    await sandbox.slurm(['scancel', job]);
  });

  it('keeps out of the way of a second sandbox started meanwhile', async () => {
    const [second, third] = await Promise.all([
      startSandbox(['--nodes', '1']),
      startSandbox(['--nodes', '3']),
    ]);
    try {
      const nodes = async (one: TestSandbox) =>
        (await one.slurm(['sinfo', '-h', '-p', 'gpu', '-o', '%D'])).stdout.trim();
      expect(await Promise.all([nodes(sandbox), nodes(second), nodes(third)])).toEqual(['2', '1', '3']);
    } finally {
      await second.down();
      await third.down();
    }
  });
});

describe('sandbox down', () => {
  it('leaves nothing of running jobs, not even of one that left its session and cleared its environment', async () => {
    const sandbox = await startSandbox();
    const leave = `for n in 1 2; do setsid env -i sleep 601 & done; mkdir -p $OPSCTL_SANDBOX_SHARED/locked/x; chmod 0 $OPSCTL_SANDBOX_SHARED/locked; touch ${sandbox.dir}/shared/ready; sleep 600`;
    await sandbox.slurm(['sbatch', '-N2', '--wrap', leave]);
    await until('the job runs', () => existsSync(join(sandbox.dir, 'shared', 'ready')));
    await sandbox.down();
    const sleeping = execFileSync('ps', ['-e', '-o', 'stat=,args=']).toString().split('\n');
    expect(sleeping.filter((line) => /^[^Z].*sleep 60[01]/.test(line))).toEqual([]);
  });

  it('ends the sandbox whose directory was deleted by hand, and spares a shell that uses it', async () => {
    const sandbox = await startSandbox(['--nodes', '1']);
    const shell = run(['sh', '-c', 'sleep 5; echo alive'], { env: sandbox.env });
    rmSync(sandbox.dir, { recursive: true });
    const down = await run([OPSCTL, 'sandbox', 'down', '--json', '--dir', sandbox.dir]);
    expect(JSON.parse(down.stdout)).toMatchObject({ found: true });
    expect((await shell).stdout).toBe('alive\n');
    await sandbox.down();
  });

  it('keeps shared/ with --keep, and the next up uses it again', async () => {
    const sandbox = await startSandbox(['--nodes', '1']);
    writeFileSync(join(sandbox.dir, 'shared', 'result'), 'precious');
    const down = await run([OPSCTL, 'sandbox', 'down', '--keep', '--json', '--dir', sandbox.dir]);
    expect(JSON.parse(down.stdout)).toMatchObject({ kept: join(sandbox.dir, 'shared') });
    expect((await run([OPSCTL, 'sandbox', 'up', '--nodes', '1', '--dir', sandbox.dir])).code).toBe(0);
    expect(readFileSync(join(sandbox.dir, 'shared', 'result'), 'utf8')).toBe('precious');
    await sandbox.down();
  });

  it('touches no directory that is not a sandbox, and goes through no link', async () => {
    const root = temporaryDirectory();
    const foreign = join(root, 'results');
    mkdirSync(foreign);
    writeFileSync(join(foreign, 'precious'), '');
    symlinkSync(foreign, join(root, 'link'));
    for (const command of ['up', 'down']) {
      expect(await run([OPSCTL, 'sandbox', command, '--dir', foreign])).toMatchObject({ code: 64 });
      expect(await run([OPSCTL, 'sandbox', command, '--dir', join(root, 'link')])).toMatchObject({
        code: 64,
      });
    }
    expect(existsSync(join(foreign, 'precious'))).toBe(true);
    rmSync(root, { recursive: true });
  });
});

describe.skipIf(process.getuid?.() !== 0)('sandbox down with something mounted below', () => {
  it('refuses, touches nothing, and works once it is unmounted', async () => {
    const sandbox = await startSandbox(['--nodes', '1']);
    const point = join(sandbox.dir, 'shared', 'mnt');
    mkdirSync(point);
    execFileSync('mount', ['-n', '-t', 'tmpfs', 'opsctl-e2e', point]);
    try {
      const down = await run([OPSCTL, 'sandbox', 'down', '--dir', sandbox.dir]);
      expect(down.code).toBe(1);
      expect(down.stderr).toContain(`something is mounted below ${sandbox.dir}: ${point}`);
      expect(await sandbox.slurm(['srun', 'true'])).toMatchObject({ code: 0 });
    } finally {
      execFileSync('umount', ['-n', point]);
    }
    await sandbox.down();
  });
});

describe('sandbox up, killed half-way', () => {
  const kill = async (dir: string, afterMs: number, words: readonly string[]) => {
    const up = run([
      'timeout',
      '--signal=KILL',
      String(afterMs / 1000),
      OPSCTL,
      'sandbox',
      'up',
      '--dir',
      dir,
      ...words,
    ]);
    return (await up).code;
  };

  it('leaves nothing that down does not find', async () => {
    const root = temporaryDirectory();
    const dir = join(root, 'sandbox');
    for (const afterMs of [60, 90, 110, 130, 150, 170, 200, 250, 300]) {
      await kill(dir, afterMs, ['--nodes', '8']);
      const down = await run([OPSCTL, 'sandbox', 'down', '--dir', dir]);
      expect(down.code, down.stderr).toBe(0);
      expect(traces(dir)).toEqual([]);
    }
    rmSync(root, { recursive: true });
  });

  it('with accounting neither', async () => {
    const root = temporaryDirectory();
    const dir = join(root, 'sandbox');
    for (const afterMs of [200, 500, 900, 1500, 2500]) {
      await kill(dir, afterMs, ['--nodes', '2', '--accounting']);
      await run([OPSCTL, 'sandbox', 'down', '--dir', dir]);
      expect(traces(dir)).toEqual([]);
    }
    rmSync(root, { recursive: true });
  });

  it('is cleared away by the next up', async () => {
    const root = temporaryDirectory();
    const dir = join(root, 'sandbox');
    for (const afterMs of [120, 200, 300]) await kill(dir, afterMs, ['--nodes', '8']);
    const up = await run([OPSCTL, 'sandbox', 'up', '--json', '--nodes', '2', '--dir', dir]);
    expect(JSON.parse(up.stdout)).toMatchObject({ nodes: ['gnode01', 'gnode02'] });
    await run([OPSCTL, 'sandbox', 'down', '--dir', dir]);
    expect(traces(dir)).toEqual([]);
    rmSync(root, { recursive: true });
  });

  it('cleans up by itself when it is told to end', async () => {
    const root = temporaryDirectory();
    const dir = join(root, 'sandbox');
    const begun = `${dir}/log/munged.err`;
    const script = `"$@" & up=$!; until [ -e ${begun} ]; do sleep 0.02; done; kill -TERM $up; wait $up`;
    const up = await run(['sh', '-c', script, 'sh', OPSCTL, 'sandbox', 'up', '--nodes', '64', '--dir', dir]);
    expect(up.code).toBe(130);
    expect(up.stderr).toContain('interrupted by SIGTERM');
    expect(traces(dir)).toEqual([]);
    rmSync(root, { recursive: true });
  });

  it('is ended by a down that comes meanwhile', async () => {
    const root = temporaryDirectory();
    const dir = join(root, 'sandbox');
    const up = run([OPSCTL, 'sandbox', 'up', '--nodes', '64', '--dir', dir]);
    await until('it has begun', () => existsSync(join(dir, 'log', 'slurmctld.err')));
    expect(await run([OPSCTL, 'sandbox', 'down', '--dir', dir])).toMatchObject({ code: 0 });
    expect((await up).code).toBe(null);
    expect(traces(dir)).toEqual([]);
    rmSync(root, { recursive: true });
  });

  it('lets one of two that start together win', async () => {
    const root = temporaryDirectory();
    const dir = join(root, 'sandbox');
    const both = await Promise.all([1, 2].map(() => run([OPSCTL, 'sandbox', 'up', '--dir', dir])));
    expect(both.map((up) => up.code).sort()).toEqual([0, 75]);
    await run([OPSCTL, 'sandbox', 'down', '--dir', dir]);
    expect(traces(dir)).toEqual([]);
    rmSync(root, { recursive: true });
  });
});

describe('where namespaces are forbidden', () => {
  it('the nodes share /dev/shm, and up says so', async () => {
    const root = temporaryDirectory();
    const forbidden = join(root, 'unshare');
    writeFileSync(forbidden, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    const dir = join(root, 'sandbox');
    const up = await run([OPSCTL, 'sandbox', 'up', '--dir', dir], {
      env: { PATH: `${root}:${process.env.PATH}` },
    });
    expect(up.stdout).toContain('nodes share /dev/shm');
    const status = await run([OPSCTL, 'sandbox', 'status', '--json', '--dir', dir]);
    expect(JSON.parse(status.stdout)).toMatchObject({ up: true, privateShm: false });
    await run([OPSCTL, 'sandbox', 'down', '--dir', dir]);
    expect(traces(dir)).toEqual([]);
    rmSync(root, { recursive: true });
  });
});

describe.skipIf(process.getuid?.() !== 0)('where Slurm is not installed', () => {
  it.each([
    ['slurmctld', [], 'slurm-wlm'],
    ['slurmdbd', ['--accounting'], 'mariadb-server'],
  ])('without %s it ends with 69 and the command that installs it', async (program, words, packageName) => {
    const hide = `mount --bind /dev/null "$(command -v ${program})" && exec "$0" sandbox up --name absent "$@"`;
    const up = await run(['unshare', '-m', 'sh', '-c', hide, OPSCTL, ...words]);
    expect(up).toMatchObject({ code: 69, stdout: '' });
    expect(up.stderr).toContain(`not installed here: ${program}`);
    expect(up.stderr).toMatch(new RegExp(`apt-get install .*${packageName}`));
  });
});
