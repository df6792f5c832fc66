import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { errorCode, fileError } from '../system/files.ts';
import { didYouMean } from '../terminal/suggest.ts';
import type { Manifest } from './manifest.ts';
import { processesPerNode } from './metrics.ts';

/** Which part of a run's output is wanted. */
export interface LogChoice {
  /** Number of the node in the job, from 0, or its name. */
  readonly node: string | undefined;
  /** Global rank. */
  readonly rank: number | undefined;
  readonly attempt: number | undefined;
}

/** One file to show, and which of its lines. */
export interface LogFile {
  readonly path: string;
  /** Shown before each line where several files are shown. */
  readonly label: string;
  readonly attempt: number | undefined;
  readonly keep: (line: string) => boolean;
}

/** The log of the batch script: everything of all nodes and attempts, labelled by srun. */
export function batchLog(outputDir: string): string {
  return join(outputDir, 'logs', 'job.log');
}

const everything = (): boolean => true;

/**
 * The files that hold the chosen output, as far as they are there yet; those of later attempts come later.
 * Without a choice it is the batch log, there or not.
 * @throws UsageError when the node or rank cannot be one of the run's.
 */
export async function findLogs(manifest: Manifest, choice: LogChoice): Promise<LogFile[]> {
  const { node, rank, attempt } = choice;
  if (node === undefined && rank === undefined && attempt === undefined) {
    return [{ path: batchLog(manifest.outputDir), label: '', attempt: undefined, keep: everything }];
  }
  const place = rank === undefined ? undefined : placeOf(rank, manifest);
  const files = await nodeLogs(manifest.outputDir);
  const ofAttempt = files.filter((file) => attempt === undefined || file.attempt === attempt);
  const wanted = place === undefined ? node : String(place.node);
  const chosen = ofAttempt.filter((file) => wanted === undefined || isNode(file, wanted));
  if (chosen.length === 0 && ofAttempt.length > 0 && wanted !== undefined)
    throw unknownNode(wanted, ofAttempt);
  const keep = place === undefined ? everything : ofLocalRank(place.local, place.processes);
  return chosen.map((file) => ({
    path: file.path,
    label: wanted === undefined ? `${file.index}: ` : '',
    attempt: file.attempt,
    keep,
  }));
}

interface NodeLog {
  readonly path: string;
  readonly attempt: number;
  readonly index: number;
  readonly name: string;
}

async function nodeLogs(outputDir: string): Promise<NodeLog[]> {
  const logs = join(outputDir, 'logs');
  const attempts = (await entries(logs))
    .flatMap((name) => /^attempt-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number);
  const files = await Promise.all(
    attempts.map(async (attempt) => {
      const directory = join(logs, `attempt-${attempt}`);
      return parseNodeLogs(directory, attempt, await entries(directory));
    }),
  );
  return files.flat().sort((one, other) => one.attempt - other.attempt || one.index - other.index);
}

function parseNodeLogs(directory: string, attempt: number, names: readonly string[]): NodeLog[] {
  return names.flatMap((file) => {
    const match = /^node-(\d+)-(.+)\.log$/.exec(file);
    return match
      ? [{ path: join(directory, file), attempt, index: Number(match[1]), name: match[2] ?? '' }]
      : [];
  });
}

async function entries(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return [];
    throw fileError('cannot read', directory, error);
  }
}

function isNode(file: NodeLog, wanted: string): boolean {
  return file.name === wanted || (/^\d+$/.test(wanted) && file.index === Number(wanted));
}

function unknownNode(wanted: string, files: readonly NodeLog[]): UsageError {
  const names = [...new Set(files.map((file) => file.name))];
  const there = [...new Set(files.map((file) => `${file.index} (${file.name})`))].slice(0, 16).join(', ');
  return new UsageError(
    `the run has no log of node "${wanted}".${didYouMean(wanted, names)}`,
    `It has: ${there}.`,
  );
}

/** Where a global rank runs: launchers count ranks node by node. */
function placeOf(rank: number, manifest: Manifest): { node: number; local: number; processes: number } {
  const processes = processesPerNode(manifest.parameters) ?? 1;
  const nodes = Number(manifest.parameters.nodes?.value ?? Number.POSITIVE_INFINITY);
  if (rank >= nodes * processes) {
    throw new UsageError(
      `rank ${rank} is not one of the run's`,
      `Its ranks are 0 to ${nodes * processes - 1}.`,
    );
  }
  return { node: Math.floor(rank / processes), local: rank % processes, processes };
}

/** torchrun labels lines `[default3]:`, where 3 is the local rank; a lone process needs no label. */
function ofLocalRank(local: number, processes: number): (line: string) => boolean {
  if (processes === 1) return everything;
  const label = new RegExp(`^\\[[A-Za-z_]+${local}\\]:`);
  return (line) => label.test(line);
}

/** In the log of a job that opsctl did not submit, a rank is known by srun's `--label` only. */
export function ofTask(task: number): (line: string) => boolean {
  const label = new RegExp(`^\\s*${task}: `);
  return (line) => label.test(line);
}
