import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { OpsError } from '../errors.ts';
import { readProcesses } from '../sandbox/processes.ts';
import { poll } from '../sandbox/wait.ts';
import type { Drill, Scene } from './drill.ts';
import { attemptThat, startNow, steppedBeyond, WAIT_MS } from './wait.ts';

const PREEMPTIONS = 3;

/** A real job of a partition with priority takes the nodes away, three times; then the trainer is killed while it writes. */
export const preemptDrill: Drill = {
  name: 'preempt',
  rows: [12],
  ends: 'finished',
  summary: 'three preemptions by a job of a higher partition, and a kill -9 while a checkpoint is written',
  parameters: { partition: 'scavenge', step_delay: 0.2 },
  disturb: async (scene) => {
    const { run, event } = scene;
    let step = 0;
    for (let attempt = 0; attempt < PREEMPTIONS; attempt++) {
      step = await steppedBeyond(run, step + 1, attempt);
      if (attempt === 0) scene.injected();
      await preempt(scene);
      const ended = await attemptThat(run, attempt, 'to end', ({ endedAt }) => endedAt !== null);
      if (attempt === 0) scene.mark('noticed');
      event(`preempted after step ${step}: attempt ${attempt} ended as ${ended.reason ?? 'killed'}`);
      await startNow(scene.system, run, attempt + 1);
      if (attempt === 0) scene.mark('running');
    }
    const name = await killWhileWriting(scene);
    const ended = await attemptThat(run, PREEMPTIONS, 'to end', ({ endedAt }) => endedAt !== null);
    event(
      `kill -9 of rank 0 while it wrote ${name}: attempt ${PREEMPTIONS} ended as ${ended.reason ?? 'killed'}`,
    );
    if (ended.requeued) throw new OpsError('the script requeued after a kill -9, which is a failure');
    // A failure is no reason to requeue: that is for a person to decide, and here it is one.
    await requeueByHand(scene);
    await startNow(scene.system, run, PREEMPTIONS + 1);
  },
};

/** A short job that needs the same two nodes whole, in a partition of a higher tier. */
async function preempt({ system }: Scene): Promise<void> {
  const argv = [
    'sbatch',
    '--parsable',
    '-p',
    'gpu',
    '-N2',
    '-w',
    'gnode[01-02]',
    '--exclusive',
    '-o',
    '/dev/null',
  ];
  const answer = await system.exec([...argv, '--wrap', 'sleep 1'], { env: system.env });
  if (answer.code !== 0) throw new OpsError(`no job to preempt with: ${answer.stderr.trim()}`);
}

async function killWhileWriting({ run }: Scene): Promise<string> {
  const checkpoints = join(run.outputDir, 'checkpoints');
  const name = await poll(WAIT_MS, async () => {
    const names = await readdir(checkpoints).catch(() => []);
    const writing = names.find((entry) => /^checkpoint-\d+\.tmp$/.test(entry));
    if (writing === undefined) return undefined;
    const first = (await readProcesses()).find(
      ({ argv, environment }) => argv.includes(checkpoints) && environment.get('RANK') === '0',
    );
    if (first === undefined) return undefined;
    process.kill(first.pid, 'SIGKILL');
    return writing;
  });
  if (name === undefined) throw new OpsError('the drill never saw a checkpoint being written');
  return name;
}

async function requeueByHand({ system, run }: Scene): Promise<void> {
  const done = await poll(WAIT_MS, async () => {
    // The record of the attempt is written by the script, which Slurm may not have ended yet.
    const shown = await system.exec(['scontrol', 'show', 'job', run.jobId], { env: system.env });
    if (!/JobState=FAILED/.test(shown.stdout)) return undefined;
    const answer = await system.exec(['scontrol', 'requeue', run.jobId], { env: system.env });
    return answer.code === 0 || undefined;
  });
  if (!done) throw new OpsError(`scontrol requeue ${run.jobId} was refused for ${WAIT_MS / 1000} s`);
}
