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
import type { Memory, RunMemories, RunMemory } from './memory.ts';

/** Manifests that are read at the same time. */
const AT_ONCE = 64;

/**
 * Every run of this state directory by its id: those that are known as they are, those that are new from their
 * manifest. With 10,000 runs a look reads one list of names, not 10,000 files.
 */
export async function knownRuns(system: System, memory: Memory): Promise<RunMemories> {
  refuseUntrustedState(system);
  const directory = join(stateHome(system.env), 'runs');
  const names = await readdir(directory).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw fileError('cannot read', directory, error);
  });
  const runs = new Map<string, RunMemory>();
  const fresh: string[] = [];
  for (const name of names) {
    const known = memory.runs.get(name);
    if (known === undefined) fresh.push(name);
    else runs.set(name, known);
  }
  for (let start = 0; start < fresh.length; start += AT_ONCE) {
    const some = await Promise.all(fresh.slice(start, start + AT_ONCE).map((name) => readRun(system, name)));
    for (const manifest of some) if (manifest !== undefined) runs.set(manifest.runId, fromManifest(manifest));
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

/** Jobs of one name; a sweep may have thousands of tasks under one. */
interface Namesakes {
  readonly all: SlurmJob[];
  readonly byTask: Map<number, SlurmJob[]>;
  /** Tasks that have no record of their own yet, such as `12_[4-9]`. */
  readonly waiting: SlurmJob[];
}

export type JobIndex = ReadonlyMap<string, Namesakes>;

export function byName(jobs: readonly SlurmJob[]): JobIndex {
  const index = new Map<string, Namesakes>();
  for (const job of jobs) {
    const same = index.get(job.name) ?? { all: [], byTask: new Map<number, SlurmJob[]>(), waiting: [] };
    if (same.all.length === 0) index.set(job.name, same);
    same.all.push(job);
    const at = job.jobId.indexOf('_');
    if (at === -1) continue;
    const task = Number(job.jobId.slice(at + 1));
    const ofTask = same.byTask.get(task);
    if (Number.isNaN(task)) same.waiting.push(job);
    else if (ofTask) ofTask.push(job);
    else same.byTask.set(task, [job]);
  }
  return index;
}

/** The newest job of a run among those of its name; one that lives before one that has ended. */
export function jobOf(run: RunMemory, jobs: JobIndex): SlurmJob | undefined {
  const same = jobs.get(run.jobName);
  if (same === undefined) return undefined;
  let best: SlurmJob | undefined;
  for (const job of candidates(run.task, same))
    if (isOurs(job, run) && (best === undefined || rank(best) < rank(job))) best = job;
  return best;
}

/** What the script of a run is submitted as has its comment; another's job that is called the same has none. */
function isOurs({ source, comment, jobId }: SlurmJob, run: RunMemory): boolean {
  return (
    source !== 'squeue' ||
    comment !== null ||
    jobId === run.jobId ||
    baseId(jobId) === baseId(run.jobId ?? '')
  );
}

function candidates(task: number | null, { all, byTask, waiting }: Namesakes): readonly SlurmJob[] {
  if (task === null) return all;
  const own = byTask.get(task) ?? [];
  if (waiting.length === 0) return own;
  return [...own, ...waiting.filter(({ jobId }) => isPartOf(jobId, `${baseId(jobId)}_${task}`))];
}

function rank(job: SlurmJob): number {
  return (isActive(job.state) ? 1e12 : 0) + Number(job.rawId);
}
