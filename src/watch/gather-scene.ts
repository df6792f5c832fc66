import { dirname } from 'node:path';
import type { Profile } from '../config/schema.ts';
import type { SlurmJob } from '../slurm/job.ts';
import { isActive } from '../slurm/states.ts';
import type { System } from '../system/system.ts';
import type { Known } from './ask.ts';
import { type Happening, happening } from './happening.ts';
import type { Look } from './look.ts';
import type { RunMemories, RunMemory } from './memory.ts';
import { lookAtPlaces, type Places } from './places.ts';
import { readRunning } from './read-run.ts';
import type { Scene, Watched } from './rule.ts';
import { byName, jobOf } from './runs.ts';

export interface Event {
  readonly runId: string;
  readonly happening: Exclude<Happening, { kind: 'none' }>;
  readonly queued: SlurmJob | undefined;
}

export interface Gathered {
  readonly scene: Scene;
  /** Every run, those that are over too. */
  readonly runs: RunMemories;
  readonly events: readonly Event[];
}

/** Logs that are read at the same time: a login node is shared. */
const AT_ONCE = 16;

/** Puts what Slurm said beside what is known of the runs, and reads what they have written since. */
export async function gatherScene(
  system: System,
  look: Look,
  known: Known,
  { watch: config, data_root: dataRoot }: Pick<Profile, 'watch' | 'data_root'>,
): Promise<Gathered> {
  const now = look.at;
  const runs = new Map(known.runs);
  const queue = byName(look.queue ?? []);
  const accounting = byName(look.accounting ?? []);
  const events: Event[] = [];
  const alive: { runId: string; job: SlurmJob | undefined }[] = [];
  for (const [runId, run] of known.runs) {
    const queued = jobOf(run, queue);
    const found = happening(run, queued, jobOf(run, accounting), now);
    if (found.kind !== 'none') events.push({ runId, happening: found, queued });
    if (queued !== undefined || run.trouble !== null) alive.push({ runId, job: queued });
    if (queued !== undefined && isActive(queued.state) && found.kind !== 'requeued')
      runs.set(runId, seen(run, queued));
  }
  const readings = new Map<string, Pick<Watched, 'memory' | 'isRead'>>();
  const running = alive.filter(({ job }) => job?.state.phase === 'running');
  for (let start = 0; start < running.length; start += AT_ONCE) {
    const some = running.slice(start, start + AT_ONCE).map(async ({ runId, job }) => {
      const run = runs.get(runId) as RunMemory;
      readings.set(runId, await readRunning(system, runId, run, job as SlurmJob, { now, config }));
    });
    await Promise.all(some);
  }
  const watched = alive.map(({ runId, job }): Watched => {
    const { memory: read, isRead } = readings.get(runId) ?? {
      memory: runs.get(runId) as RunMemory,
      isRead: true,
    };
    return { runId, memory: read, job, isRead };
  });
  for (const [runId, { memory: read }] of readings) runs.set(runId, read);
  const active = watched.filter(({ job }) => job !== undefined && isActive(job.state));
  const directories = new Set(active.map(({ memory: { outputDir } }) => dirname(outputDir)));
  if (dataRoot !== null && active.length > 0) directories.add(dataRoot);
  const places = await placesOf(system, known, directories);
  return { scene: { now, look, runs: watched, places, config }, runs, events };
}

/** Those of runs that live: where the others wrote is nobody's concern any more. What was not looked at yet is. */
async function placesOf(system: System, known: Known, directories: ReadonlySet<string>): Promise<Places> {
  const missing = [...directories].filter((path) => !known.directories.has(path));
  const more = missing.length > 0 ? await lookAtPlaces(system, missing) : { places: [], silent: [] };
  const places = known.places.places.filter(({ paths }) => paths.some((path) => directories.has(path)));
  const mounts = new Set(places.map(({ mount }) => mount));
  return {
    places: [...places, ...more.places.filter(({ mount }) => !mounts.has(mount))],
    silent: [...known.places.silent.filter((path) => directories.has(path)), ...more.silent],
  };
}

/** The job and the attempt that runs now; what was kept for reading an attempt goes when there is none. */
function seen(run: RunMemory, job: SlurmJob): RunMemory {
  const { jobId } = job;
  const runsNow = job.state.phase === 'running' || job.state.phase === 'suspended';
  const startTime = runsNow ? job.startTime : jobId === run.jobId ? run.startTime : null;
  // Nothing new of most, and there may be ten thousand.
  if (run.jobId === jobId && run.startTime === startTime && run.over === null) return run;
  return { ...run, jobId, startTime, over: null };
}
