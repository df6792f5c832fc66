import { dirname } from 'node:path';
import type { Profile } from '../config/schema.ts';
import type { SlurmJob } from '../slurm/job.ts';
import { isActive } from '../slurm/states.ts';
import type { System } from '../system/system.ts';
import { type Happening, happening } from './happening.ts';
import type { Look } from './look.ts';
import type { Memory, RunMemory } from './memory.ts';
import { lookAtPlaces } from './places.ts';
import { readRunning } from './read-run.ts';
import type { Scene, Watched } from './rule.ts';
import { byName, jobOf, knownRuns } from './runs.ts';

export interface Event {
  readonly runId: string;
  readonly happening: Exclude<Happening, { kind: 'none' }>;
  readonly queued: SlurmJob | undefined;
}

export interface Gathered {
  readonly scene: Scene;
  /** Every run, those that are over too. */
  readonly runs: Readonly<Record<string, RunMemory>>;
  readonly events: readonly Event[];
}

/** Logs that are read at the same time: a login node is shared. */
const AT_ONCE = 16;

/** Puts what Slurm said beside what is known of the runs, and reads what they have written since. */
export async function gatherScene(
  system: System,
  look: Look,
  memory: Memory,
  { watch: config, data_root: dataRoot }: Pick<Profile, 'watch' | 'data_root'>,
): Promise<Gathered> {
  const now = look.at;
  const runs = await knownRuns(system, memory);
  const queue = byName(look.queue ?? []);
  const accounting = byName(look.accounting ?? []);
  const events: Event[] = [];
  const alive: { runId: string; job: SlurmJob | undefined }[] = [];
  for (const [runId, run] of Object.entries(runs)) {
    const queued = jobOf(run, queue);
    const found = happening(run, queued, jobOf(run, accounting), now);
    if (found.kind !== 'none') events.push({ runId, happening: found, queued });
    if (queued !== undefined || run.trouble !== null) alive.push({ runId, job: queued });
    if (queued !== undefined && isActive(queued.state) && found.kind !== 'requeued')
      runs[runId] = seen(run, queued);
  }
  const watched: Watched[] = [];
  for (let start = 0; start < alive.length; start += AT_ONCE) {
    const some = alive.slice(start, start + AT_ONCE).map(async ({ runId, job }) => {
      const run = runs[runId] as RunMemory;
      if (job?.state.phase !== 'running') return { runId, memory: run, job, isRead: true };
      return { runId, job, ...(await readRunning(system, runId, run, job, { now, config })) };
    });
    watched.push(...(await Promise.all(some)));
  }
  for (const { runId, memory: read } of watched) runs[runId] = read;
  const active = watched.filter(({ job }) => job !== undefined && isActive(job.state));
  const directories = [
    ...active.map(({ memory: { outputDir } }) => dirname(outputDir)),
    ...(dataRoot !== null && active.length > 0 ? [dataRoot] : []),
  ];
  const places = await lookAtPlaces(system, directories);
  return { scene: { now, look, runs: watched, places, config }, runs, events };
}

/** The job and the attempt that runs now; what was kept for reading an attempt goes when there is none. */
function seen(run: RunMemory, job: SlurmJob): RunMemory {
  const runsNow = job.state.phase === 'running' || job.state.phase === 'suspended';
  return {
    ...run,
    jobId: job.jobId,
    startTime: runsNow ? job.startTime : job.jobId === run.jobId ? run.startTime : null,
    over: null,
  };
}
