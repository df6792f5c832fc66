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

/** Jobs by their name; those of arrays also by name and task, for a sweep may have thousands under one name. */
export type JobIndex = ReadonlyMap<string, readonly SlurmJob[]>;

export function byName(jobs: readonly SlurmJob[]): JobIndex {
  const map = new Map<string, SlurmJob[]>();
  const add = (key: string, job: SlurmJob): void => {
    const same = map.get(key);
    if (same) same.push(job);
    else map.set(key, [job]);
  };
  for (const job of jobs) {
    add(job.name, job);
    const [, task] = job.jobId.split('_');
    if (task !== undefined) add(taskKey(job.name, task.startsWith('[') ? WAITING : task), job);
  }
  return map;
}

/** In place of a number: tasks that have no record of their own yet, such as `12_[4-9]`. */
const WAITING = '[';

function taskKey(name: string, task: string | number): string {
  return `${name}\0${task}`;
}

/** The newest job of a run among those of its name; one that lives before one that has ended. */
export function jobOf({ jobName, task }: RunMemory, jobs: JobIndex): SlurmJob | undefined {
  return candidates(jobName, task, jobs).reduce<SlurmJob | undefined>(
    (best, job) => (best && rank(best) >= rank(job) ? best : job),
    undefined,
  );
}

function candidates(jobName: string, task: number | null, jobs: JobIndex): readonly SlurmJob[] {
  if (task === null) return jobs.get(jobName) ?? [];
  const waiting = jobs.get(taskKey(jobName, WAITING)) ?? [];
  return [
    ...(jobs.get(taskKey(jobName, task)) ?? []),
    ...waiting.filter(({ jobId }) => isPartOf(jobId, `${baseId(jobId)}_${task}`)),
  ];
}

function rank(job: SlurmJob): number {
  return (isActive(job.state) ? 1e12 : 0) + Number(job.rawId);
}
