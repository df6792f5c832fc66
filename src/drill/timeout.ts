import { OpsError } from '../errors.ts';
import type { Drill, Scene } from './drill.ts';
import { attemptThat, startNow, steppedBeyond } from './wait.ts';

const LEAD_SECONDS = 20;
/**
 * Time that is left for a run whose limit is cut short. Slurm looks every 30 s, and sends the signal when the lead and
 * those 30 s are all that is left (job_time_limit, src/slurmctld/job_mgr.c): so at its next look, and 20 s early or more.
 */
const LEFT_SECONDS = LEAD_SECONDS + 30;

/** The time limit comes nearer while the training runs, as it would after hours. */
export const timeoutDrill: Drill = {
  name: 'timeout',
  rows: [12],
  ends: 'finished',
  summary: 'the time limit comes before the end: the signal ahead of it, a checkpoint, a requeue',
  parameters: { signal_lead: LEAD_SECONDS, step_delay: 1.2 },
  disturb: async (scene) => {
    const { run, event, system } = scene;
    const step = await steppedBeyond(run, 0);
    await tellSlurm(scene, `EndTime=now+${LEFT_SECONDS}seconds`);
    scene.injected();
    const ended = await attemptThat(run, 0, 'to end', ({ endedAt }) => endedAt !== null);
    scene.mark('noticed');
    event(`${LEFT_SECONDS} s left after step ${step}: attempt 0 ended as ${ended.reason ?? 'killed'}`);
    if (ended.requeued !== true)
      throw new OpsError('the script did not requeue the job before its time limit');
    // Else the shortened limit would hold for the next attempt too.
    await tellSlurm(scene, 'TimeLimit=30');
    await startNow(system, run, 1);
    scene.mark('running');
  },
};

async function tellSlurm({ system, run }: Scene, change: string): Promise<void> {
  const answer = await system.exec(['scontrol', 'update', `JobId=${run.jobId}`, change], { env: system.env });
  if (answer.code !== 0) throw new OpsError(`scontrol update ${change}: ${answer.stderr.trim()}`);
}
