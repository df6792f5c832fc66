import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { OpsError } from '../errors.ts';
import { newestCheckpoint } from '../run/checkpoint.ts';
import { batchLog } from '../run/log-files.ts';
import { readRun } from '../run/registry.ts';
import type { SlurmJob } from '../slurm/job.ts';
import type { System } from '../system/system.ts';
import type { NodePace, RunMemory } from './memory.ts';
import { compared, paceOf } from './pace.ts';
import { advance, beginProgress, judged } from './progress.ts';
import { type NewLines, readNewLines } from './read-log.ts';
import type { Scene } from './rule.ts';
import { numbersOf } from './runs.ts';

/** A file system that hangs must not hold up the look at the other runs. */
const LIMIT_MS = 8_000;

export interface RunReading {
  readonly memory: RunMemory;
  /** False when the file system did not answer, or a log may not be read: then nothing is said of its progress. */
  readonly isRead: boolean;
}

/** Reads what a running run has written since the last look, and takes it in. Never throws for what the files do. */
export async function readRunning(
  system: System,
  runId: string,
  memory: RunMemory,
  job: SlurmJob,
  { now, config }: Pick<Scene, 'now' | 'config'>,
): Promise<RunReading> {
  const work = takeIn(system, runId, memory, job, { now, config });
  return within(LIMIT_MS, work, { memory, isRead: false });
}

async function takeIn(
  system: System,
  runId: string,
  memory: RunMemory,
  job: SlurmJob,
  { now, config }: Pick<Scene, 'now' | 'config'>,
): Promise<RunReading> {
  try {
    const began = (job.startTime ?? Math.floor(now.getTime() / 1000)) * 1000;
    const isNew = memory.progress?.began !== began;
    const progress = isNew ? beginProgress(began, memory.progress ?? undefined) : memory.progress;
    const parameters = memory.parameters ?? (await numbersOfRun(system, runId));
    const [log, checkpoint, nodes] = await Promise.all([
      newLines(memory),
      newestCheckpoint(memory.outputDir),
      nodePaces(memory, isNew),
    ]);
    const saved = checkpoint === null ? null : Date.parse(checkpoint.modifiedAt);
    const growth = {
      lines: log?.lines ?? [],
      writtenAt: log === undefined ? null : log.writtenAt,
      checkpointAt: saved !== null && saved >= began ? saved : null,
    };
    const moved = judged(
      advance(progress ?? beginProgress(began), growth, parameters),
      config,
      now.getTime(),
    );
    return {
      memory: {
        ...memory,
        parameters,
        log: log?.mark ?? memory.log,
        progress: moved,
        nodes: compared(nodes, config.slow_node),
      },
      isRead: true,
    };
  } catch (error) {
    if (error instanceof OpsError) return { memory, isRead: false };
    throw error;
  }
}

async function numbersOfRun(system: System, runId: string): Promise<NonNullable<RunMemory['parameters']>> {
  const manifest = await readRun(system, runId);
  return manifest === undefined ? {} : numbersOf(manifest);
}

function newLines({ outputDir, log }: RunMemory): Promise<NewLines | undefined> {
  return readNewLines(batchLog(outputDir), log);
}

/** Nodes whose own logs are read: enough to find a slow one, without opening hundreds of files at every look. */
const MOST_NODES = 64;

/** The pace of every node, from what is new in its log of the newest attempt. */
async function nodePaces({ outputDir, nodes }: RunMemory, isNew: boolean): Promise<Record<string, NodePace>> {
  const directory = await newestAttempt(outputDir);
  if (directory === undefined) return {};
  const names = (await readdir(directory).catch(() => [])).filter((name) => NODE_LOG.test(name));
  // One node alone has no peers.
  if (names.length < 2) return {};
  const paces = await Promise.all(
    names.slice(0, MOST_NODES).map(async (name) => {
      const node = NODE_LOG.exec(name)?.[1] ?? name;
      const known = isNew ? undefined : nodes[node];
      const grown = await readNewLines(join(directory, name), known?.mark ?? null);
      const pace = grown === undefined ? undefined : paceOf(grown.lines);
      const of = pace?.of ?? known?.of ?? '';
      const rate = pace?.rate ?? known?.rate ?? null;
      return [node, { mark: grown?.mark ?? null, of, rate, behind: known?.behind ?? 0 }] as const;
    }),
  );
  return Object.fromEntries(paces);
}

const NODE_LOG = /^node-\d+-(.+)\.log$/;

async function newestAttempt(outputDir: string): Promise<string | undefined> {
  const logs = join(outputDir, 'logs');
  const numbers = (await readdir(logs).catch(() => [])).flatMap(
    (name) => /^attempt-(\d+)$/.exec(name)?.[1] ?? [],
  );
  return numbers.length === 0 ? undefined : join(logs, `attempt-${Math.max(...numbers.map(Number))}`);
}

/** What comes in time, or the other; what comes later is not waited for, and its failure is nobody's. */
async function within<T>(limitMs: number, work: Promise<T>, otherwise: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
