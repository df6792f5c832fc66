import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Manifest, nameInSlurm } from '../run/manifest.ts';
import { readRun } from '../run/registry.ts';
import { baseId } from '../run/state.ts';
import { isPartOf, type SlurmJob } from '../slurm/job.ts';
import { isActive } from '../slurm/states.ts';
import { errorCode, fileError } from '../system/files.ts';
import { refuseUntrustedState } from '../system/own-directory.ts';
import { type System, stateHome } from '../system/system.ts';
import type { Memory, RunMemory } from './memory.ts';

/** Manifests that are read at the same time. */
const AT_ONCE = 64;

/**
 * Every run of this state directory by its id: those that are known as they are, those that are new from their
 * manifest. With 10,000 runs a look reads one list of names, not 10,000 files.
 */
export async function knownRuns(system: System, memory: Memory): Promise<Record<string, RunMemory>> {
  refuseUntrustedState(system);
  const directory = join(stateHome(system.env), 'runs');
  const names = await readdir(directory).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw fileError('cannot read', directory, error);
  });
  const runs: Record<string, RunMemory> = {};
  const fresh: string[] = [];
  for (const name of names) {
    const known = memory.runs[name];
    if (known === undefined) fresh.push(name);
    else runs[name] = known;
  }
  for (let start = 0; start < fresh.length; start += AT_ONCE) {
    const some = await Promise.all(fresh.slice(start, start + AT_ONCE).map((name) => readRun(system, name)));
    for (const manifest of some) if (manifest !== undefined) runs[manifest.runId] = fromManifest(manifest);
  }
  return runs;
}

export function fromManifest(manifest: Manifest): RunMemory {
  return {
    jobName: nameInSlurm(manifest),
    task: manifest.sweep?.task ?? null,
    phase: manifest.phase,
    outputDir: manifest.outputDir,
    jobId: manifest.jobId,
    startTime: null,
    over: manifest.ended ?? null,
    handled: null,
    trouble: null,
    acted: null,
    parameters: null,
    log: null,
    progress: null,
    nodes: {},
  };
}

/** Numbers among a run's parameters: what its speed is computed from. */
export function numbersOf({ parameters }: Manifest): NonNullable<RunMemory['parameters']> {
  return Object.fromEntries(
    Object.entries(parameters).flatMap(([name, { value }]) =>
      typeof value === 'number' ? [[name, { value }]] : [],
    ),
  );
}

export function byName(jobs: readonly SlurmJob[]): Map<string, SlurmJob[]> {
  const map = new Map<string, SlurmJob[]>();
  for (const job of jobs) {
    const same = map.get(job.name);
    if (same) same.push(job);
    else map.set(job.name, [job]);
  }
  return map;
}

/** The newest job of a run among those of its name; one that lives before one that has ended. */
export function jobOf(run: RunMemory, jobs: ReadonlyMap<string, readonly SlurmJob[]>): SlurmJob | undefined {
  const { task } = run;
  const mine = (jobs.get(run.jobName) ?? []).filter(
    ({ jobId }) => task === null || isPartOf(jobId, `${baseId(jobId)}_${task}`),
  );
  return mine.reduce<SlurmJob | undefined>(
    (best, job) => (best && rank(best) >= rank(job) ? best : job),
    undefined,
  );
}

function rank(job: SlurmJob): number {
  return (isActive(job.state) ? 1e12 : 0) + Number(job.rawId);
}
