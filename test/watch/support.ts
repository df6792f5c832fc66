import { watchSchema } from '../../src/config/watch-schema.ts';
import type { SlurmJob } from '../../src/slurm/job.ts';
import type { NodeView } from '../../src/slurm/sinfo.ts';
import type { Look } from '../../src/watch/look.ts';
import type { RunMemory } from '../../src/watch/memory.ts';
import { beginProgress, type Progress } from '../../src/watch/progress.ts';
import type { Scene, Watched } from '../../src/watch/rule.ts';
import { fromManifest } from '../../src/watch/runs.ts';
import { job, manifest } from '../run/known.ts';

export const NOW = new Date('2026-11-23T20:00:00Z');
export const CONFIG = watchSchema.parse({});
export const MINUTE = 60_000;

export function progress(over: Partial<Progress> = {}): Progress {
  return { ...beginProgress(NOW.getTime() - 60 * MINUTE), ...over };
}

export function memoryOf(over: Partial<RunMemory> = {}): RunMemory {
  return { ...fromManifest(manifest()), startTime: 1_000, progress: progress(), ...over };
}

export function watched(over: Partial<RunMemory> = {}, its: SlurmJob | undefined = job()): Watched {
  return { runId: 'sft-tiny', memory: memoryOf(over), job: its, isRead: true };
}

export function node(name: string, state = 'allocated', over: Partial<NodeView> = {}): NodeView {
  return { node: name, state, reason: null, memoryMb: 64_000, freeMb: 32_000, ...over };
}

export function lookOf(over: Partial<Look> = {}): Look {
  return {
    at: NOW,
    queue: [],
    nodes: new Map(['gnode01', 'gnode02'].map((name) => [name, node(name)])),
    accounting: [],
    isUnaccounted: false,
    failures: [],
    slurmCalls: 3,
    ...over,
  };
}

export function scene(over: Partial<Scene> = {}): Scene {
  const runs = over.runs ?? [];
  const queue = runs.flatMap((run) => run.job ?? []);
  return {
    now: NOW,
    look: lookOf({ queue }),
    runs,
    places: { places: [], silent: [] },
    config: CONFIG,
    ...over,
  };
}
