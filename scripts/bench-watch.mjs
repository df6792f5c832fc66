// One look of the watcher at a real controller with 2,000 nodes and 10,000 jobs, all of them runs of opsctl, beside the
// plain Slurm commands that it makes. The nodes exist in the controller alone; the jobs are held, so that it rests.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';

const NODES = 2_000;
/** Arrays of as many tasks as Slurm's own limit allows, each task a record and a run of its own. */
const ARRAYS = 10;
const TASKS = 1_000;
const JOBS = ARRAYS * TASKS;
const MOST_MB = 250;
const SQUEUE = '%A|%i|%T|%r|%u|%P|%D|%N|%M|%l|%V|%S|%e|%k|%j';
const SINFO = '%N|%T|%m|%e|%E';

export function benchWatch({ opsctl, place, compare, time }) {
  const env = {
    ...process.env,
    OPSCTL_HOME: join(place, 'watch-state'),
    XDG_CONFIG_HOME: join(place, 'config'),
  };
  const dir = join(place, 'watch-sandbox');
  const up = [opsctl, 'sandbox', 'up', '--dir', dir, '--nodes', '1', '--share', place, '--json'];
  const inside = { ...env, ...JSON.parse(execFileSync(up[0], up.slice(1), { env })).env };
  let controller;
  try {
    controller = enlarge(dir, inside);
    submitAll(place, inside);
    const look = (more) => time([opsctl, 'watch', '--once', '--quiet'], { ...inside, ...more });
    const user = userInfo().username;
    const squeue = ['--noheader', '--all', '--states=all', `--format=${SQUEUE}`, `--user=${user}`];
    const sinfo = ['--noheader', '--all', '--Node', `--format=${SINFO}`];
    const plain = () => time(['squeue', ...squeue], inside) + time(['sinfo', ...sinfo], inside);
    const seen = execFileSync('squeue', squeue, { env: inside, encoding: 'utf8', maxBuffer: 1e9 });
    if (seen.trim().split('\n').length !== JOBS) throw new Error(`squeue does not show ${JOBS} jobs`);
    const first = look();
    console.log(
      `${(first / 1000).toFixed(1)} s: the first look at ${JOBS} runs, which reads their manifests`,
    );
    compare(`opsctl watch --once / squeue + sinfo, ${JOBS} jobs, ${NODES} nodes`, 3, () => look(), plain, 9);
    const peak = memoryOf(place, look);
    console.log(`${peak.toFixed(0)} MB at most (at most ${MOST_MB})`);
    if (peak > MOST_MB) process.exitCode = 1;
  } finally {
    controller?.kill('SIGTERM');
    spawnSync(opsctl, ['sandbox', 'down', '--dir', dir], { env });
  }
}

/** The largest of a look that remembers and one that begins anew, in MB. */
function memoryOf(place, look) {
  const report = join(place, 'memory.txt');
  const hook = join(place, 'memory.cjs');
  const text = `process.on('exit', () => require('node:fs').appendFileSync(${JSON.stringify(report)}, process.resourceUsage().maxRSS + '\\n'));`;
  writeFileSync(hook, text);
  for (const state of ['watch-state', 'watch-state-anew']) {
    if (state.endsWith('anew')) execFileSync('cp', ['-r', join(place, 'watch-state'), join(place, state)]);
    if (state.endsWith('anew')) execFileSync('rm', ['-r', join(place, state, 'watch')]);
    look({ NODE_OPTIONS: `--require ${hook}`, OPSCTL_HOME: join(place, state) });
  }
  return Math.max(...readFileSync(report, 'utf8').trim().split('\n').map(Number)) / 1024;
}

/** Nodes that no daemon stands for: what a controller prints does not depend on that. */
function enlarge(dir, env) {
  const conf = env.SLURM_CONF;
  const pidFile = /^SlurmctldPidFile=(.*)$/m.exec(readFileSync(conf, 'utf8'))?.[1];
  appendFileSync(
    conf,
    `\nMaxJobCount=${JOBS * 2}\nNodeName=big[0001-${NODES}] NodeAddr=127.0.0.1 CPUs=64 RealMemory=500000 State=DOWN\n` +
      `PartitionName=big Nodes=big[0001-${NODES}] MaxTime=7-00:00:00\n`,
  );
  process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM');
  const isUp = () => spawnSync('scontrol', ['ping'], { env, encoding: 'utf8' }).stdout.includes('UP');
  waitFor(() => !isUp());
  const controller = spawn(join(dir, 'bin', 'slurmctld'), ['-D', '-f', conf], { env, stdio: 'ignore' });
  waitFor(isUp);
  return controller;
}

function waitFor(isSo) {
  for (const end = Date.now() + 60_000; !isSo(); ) {
    if (Date.now() > end) throw new Error('the controller did not come back');
    spawnSync('sleep', ['0.2']);
  }
}

/** Arrays, because ten thousand sbatch take minutes; a change of all but one task gives each a record of its own. */
function submitAll(place, env) {
  const script = join(place, 'held.sh');
  writeFileSync(script, '#!/bin/bash\ntrue\n');
  const options = ['--parsable', '--hold', '--partition=big', '--output=/dev/null', `--array=0-${TASKS - 1}`];
  for (let index = 0; index < ARRAYS; index++) {
    const sweep = `sweep-${index}`;
    const words = [...options, `--job-name=${sweep}`, `--comment=opsctl:${sweep}`, script];
    const jobId = execFileSync('sbatch', words, { env, encoding: 'utf8' }).trim();
    execFileSync('scontrol', ['update', `JobId=${jobId}_[0-${TASKS - 2}]`, 'Nice=1'], { env });
    for (let task = 0; task < TASKS; task++) writeRun(env, place, { sweep, task, jobId });
  }
}

function writeRun(env, place, { sweep, task, jobId }) {
  const runId = `${sweep}-${task}`;
  const directory = join(env.OPSCTL_HOME, 'runs', runId);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const values = { nodes: 4, gpus_per_node: 8, max_seq_length: 2048, per_device_train_batch_size: 4 };
  const parameters = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, { value, source: 'default', where: 'default' }]),
  );
  const manifest = {
    version: 1,
    runId,
    phase: 'sft',
    trainer: 'example',
    createdAt: new Date().toISOString(),
    user: userInfo().username,
    state: 'submitted',
    jobId: `${jobId}_${task}`,
    jobName: sweep,
    sweep: { id: sweep, task, values: {} },
    outputDir: join(place, 'runs', runId),
    parameters,
  };
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifest));
}
