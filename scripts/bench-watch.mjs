// One look of the watcher at a real controller with 2,000 nodes and 10,000 jobs, all of them runs of opsctl, beside the
// plain Slurm commands that it makes. The nodes exist in the controller alone; the jobs are held, so that it rests.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';

const JOBS = 10_000;
const NODES = 2_000;
const FORMAT = '%A|%i|%T|%r|%u|%P|%D|%N|%M|%l|%V|%S|%e|%j';

/**
 * @param place a directory of the bench's own.
 * @returns peak memory of the looks in MB; their times go to `compare`.
 */
export function benchWatch(place, opsctl, time, compare, rounds) {
  const env = {
    ...process.env,
    OPSCTL_HOME: join(place, 'watch-state'),
    XDG_CONFIG_HOME: join(place, 'config'),
  };
  const dir = join(place, 'watch-sandbox');
  const up = JSON.parse(
    execFileSync(opsctl, ['sandbox', 'up', '--dir', dir, '--nodes', '1', '--share', place, '--json'], {
      env,
    }),
  );
  const inside = { ...env, ...up.env };
  try {
    enlarge(dir, inside);
    submitAll(place, inside);
    const report = join(place, 'memory.txt');
    const hook = join(place, 'memory.cjs');
    writeFileSync(
      hook,
      `process.on('exit', () => require('node:fs').appendFileSync(${JSON.stringify(report)}, process.resourceUsage().maxRSS + '\\n'));`,
    );
    const look = () =>
      time([opsctl, 'watch', '--once', '--quiet'], { ...inside, NODE_OPTIONS: `--require ${hook}` });
    const plain = () =>
      time(
        [
          'squeue',
          '--noheader',
          '--all',
          '--states=all',
          `--format=${FORMAT}`,
          `--user=${userInfo().username}`,
        ],
        inside,
      ) + time(['sinfo', '--noheader', '--all', '--Node', '--format=%N|%T|%m|%e|%E'], inside);
    const first = look();
    console.log(`${(first / 1000).toFixed(1)} s for the first look, which reads ${JOBS} manifests`);
    compare(
      `opsctl watch --once / squeue + sinfo, ${JOBS} jobs, ${NODES} nodes`,
      3,
      look,
      plain,
      Math.min(rounds, 11),
    );
    return Math.max(...readFileSync(report, 'utf8').trim().split('\n').map(Number)) / 1024;
  } finally {
    spawnSync(opsctl, ['sandbox', 'down', '--dir', dir], { env });
  }
}

/** Nodes that no daemon stands for: what a controller prints does not depend on that. */
function enlarge(dir, env) {
  const conf = env.SLURM_CONF;
  const text = readFileSync(conf, 'utf8');
  const pidFile = /^SlurmctldPidFile=(.*)$/m.exec(text)?.[1];
  const binary = join(dir, 'bin', 'slurmctld');
  appendFileSync(
    conf,
    `\nMaxJobCount=${JOBS * 2}\nNodeName=big[0001-${NODES}] NodeAddr=127.0.0.1 CPUs=64 RealMemory=500000 State=DOWN\n` +
      `PartitionName=big Nodes=big[0001-${NODES}] MaxTime=7-00:00:00\n`,
  );
  process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM');
  waitFor(() => spawnSync('scontrol', ['ping'], { env, encoding: 'utf8' }).stdout.includes('DOWN'));
  spawn(binary, ['-D', '-f', conf], { env, detached: true, stdio: 'ignore' }).unref();
  waitFor(() => spawnSync('scontrol', ['ping'], { env, encoding: 'utf8' }).stdout.includes('UP'));
}

function waitFor(isSo) {
  for (const end = Date.now() + 60_000; !isSo(); ) {
    if (Date.now() > end) throw new Error('the controller did not come back');
    spawnSync('sleep', ['0.2']);
  }
}

function submitAll(place, env) {
  const script = join(place, 'held.sh');
  writeFileSync(script, '#!/bin/bash\ntrue\n');
  const names = Array.from({ length: JOBS }, (_, index) => `run-${index}`);
  const submit = [
    '-P2',
    '-I{}',
    'sbatch',
    '--hold',
    '--quiet',
    '--partition=big',
    '--output=/dev/null',
    '--job-name={}',
    script,
  ];
  execFileSync('xargs', submit, { env, input: names.join('\n'), stdio: ['pipe', 'ignore', 'inherit'] });
  const values = {
    nodes: 4,
    gpus_per_node: 8,
    max_seq_length: 2048,
    per_device_train_batch_size: 4,
    save_steps: 50,
  };
  const parameters = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, { value, source: 'default', where: 'default' }]),
  );
  for (const name of names) {
    const directory = join(env.OPSCTL_HOME, 'runs', name);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const outputDir = join(place, 'runs', name);
    const manifest = {
      version: 1,
      runId: name,
      phase: 'sft',
      trainer: 'example',
      createdAt: new Date().toISOString(),
    };
    const rest = { user: userInfo().username, state: 'submitted', jobId: null, outputDir, parameters };
    writeFileSync(join(directory, 'manifest.json'), JSON.stringify({ ...manifest, ...rest }));
  }
}
