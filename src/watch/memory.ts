import { join } from 'node:path';
import type { Alert } from '../alert/alert.ts';
import type { Diagnosis } from '../diagnosis/rank.ts';
import { OpsError } from '../errors.ts';
import type { OddOne } from '../remedy/odd-one.ts';
import { readIfThere, writeAtomic } from '../system/files.ts';
import { type System, shortHostname, stateHome } from '../system/system.ts';
import type { Progress } from './progress.ts';
import type { LogMark } from './read-log.ts';

/** Pace of one node as its own log shows it. */
export interface NodePace {
  readonly mark: LogMark | null;
  /** What is counted: the title of a progress bar, or `step`. */
  readonly of: string;
  /** A second. */
  readonly rate: number | null;
  /** Looks in a row in which it was far behind. */
  readonly behind: number;
}

/** What ended badly and is not over: told at every look until the run moves again or a person has settled it. */
export interface Trouble {
  readonly alert: Alert;
  /** The attempt that it is of. */
  readonly attempt: string;
  /** Step that the run had reached; it is over when the next attempt comes further. */
  readonly step: number | null;
  /** Hostlist of the nodes that the attempt ran on; absent where Slurm did not say. */
  readonly ran?: string;
}

/** A restart that is to come, and what it is for. */
export interface Waiting {
  readonly diagnosis: Pick<Diagnosis, 'status' | 'causes'>;
  /** When the attempt ended, ISO 8601; null where nobody says. */
  readonly endedAt: string | null;
}

/** What was done about a run that stands still. */
export interface Answer {
  /** The policy's, at which it was done. */
  readonly level: number;
  readonly attempt: string;
  /** Where the rank runs that stands still for the others, as far as the evidence blames one. */
  readonly suspect: OddOne | null;
  /** Each step in a line, with what became of it. */
  readonly lines: readonly string[];
}

/** What the watcher knows of one run between two looks. */
export interface RunMemory {
  /** Its name in Slurm, and its task where that is an array's. */
  readonly jobName: string;
  readonly task: number | null;
  readonly phase: string;
  readonly outputDir: string;
  readonly jobId: string | null;
  /** Start of the attempt that was last seen running, seconds since 1970. */
  readonly startTime: number | null;
  /** How it ended, in Slurm's word; null while it may still move. */
  readonly over: string | null;
  /** Ends that were dealt with. */
  readonly handled: string | null;
  readonly trouble: Trouble | null;
  /** The attempt whose hang was acted on: once is enough, until the policy allows more. */
  readonly acted: string | null;
  /** What came of that; absent where nobody has acted. */
  readonly answer?: Answer;
  /** Absent when no restart is to come. */
  readonly waiting?: Waiting;
  /** Below here only while it runs. */
  readonly parameters: Readonly<Record<string, { readonly value: number }>> | null;
  readonly log: LogMark | null;
  readonly progress: Progress | null;
  readonly nodes: Readonly<Record<string, NodePace>>;
}

/** What is known of each run, by its id. There may be ten thousand: a Map is copied and walked in a tenth of an object's time. */
export type RunMemories = ReadonlyMap<string, RunMemory>;

export interface Memory {
  readonly version: 1;
  /** Seconds since 1970 of the last look that accounting answered; null before the first. */
  readonly accountedAt: number | null;
  /** False once the cluster has said that it keeps no accounting. */
  readonly hasAccounting: boolean;
  readonly ticks: number;
  /** Since when the queue is empty although runs were alive, seconds since 1970; absent when it is not. */
  readonly doubtedSince?: number;
  readonly runs: RunMemories;
}

/** As it stands in the file. */
type Written = Omit<Memory, 'runs'> & { readonly runs: Readonly<Record<string, RunMemory>> };

export const NO_MEMORY: Memory = {
  version: 1,
  accountedAt: null,
  hasAccounting: true,
  ticks: 0,
  runs: new Map(),
};

export function watchDirectory(env: System['env']): string {
  return join(stateHome(env), 'watch');
}

/** What a look that saw something leaves behind, also where nothing else was new. */
interface Sign extends Pick<Memory, 'accountedAt' | 'ticks'> {
  /** ISO 8601. */
  readonly at: string;
  readonly host: string;
  readonly pid: number;
}

/**
 * What the last look left behind. One of another version is begun anew: nothing in it is needed to be right, it only
 * saves reading and remembers rhythms.
 * @throws OpsError when it is not JSON: written whole as it is, somebody else has changed it.
 */
export async function readMemory(system: System): Promise<Memory> {
  const path = join(watchDirectory(system.env), 'memory.json');
  const text = await readIfThere(path);
  if (text === undefined) return NO_MEMORY;
  try {
    const { runs, ...found } = JSON.parse(text) as Written;
    if (found.version !== 1) return NO_MEMORY;
    const later = await readSign(system);
    const { ticks, accountedAt } = later !== undefined && isLater(later, found) ? later : found;
    return { ...found, ticks, accountedAt, runs: new Map(Object.entries(runs)) };
  } catch (error) {
    throw new OpsError(`${path} is not what opsctl wrote`, {
      hint: `Move it away ("mv ${path} ${path}.broken"); the rhythm of the runs is learned anew then.`,
      cause: error,
    });
  }
}

/** A look that found nothing new has left no more than its sign. That of an earlier version has no numbers. */
function isLater({ ticks, accountedAt }: Sign, memory: Pick<Memory, 'ticks'>): boolean {
  return ticks > memory.ticks && (accountedAt === null || Number.isFinite(accountedAt));
}

export async function writeMemory(system: System, memory: Memory): Promise<void> {
  const written: Written = { ...memory, runs: Object.fromEntries(memory.runs) };
  await writeAtomic(join(watchDirectory(system.env), 'memory.json'), JSON.stringify(written));
}

/** Whether more has changed than what the sign of life says as well: megabytes are not written again for that. */
export function isNews(next: Memory, last: Memory): boolean {
  if (last.ticks === 0 || next.hasAccounting !== last.hasAccounting) return true;
  if (next.doubtedSince !== last.doubtedSince || next.runs.size !== last.runs.size) return true;
  for (const [runId, run] of next.runs) if (last.runs.get(runId) !== run) return true;
  return false;
}

/** A sign of life, after a look that saw something and never after a blind one. */
export async function writeSign(system: System, { accountedAt, ticks }: Memory): Promise<void> {
  const sign: Sign = {
    at: system.now().toISOString(),
    host: shortHostname(),
    pid: process.pid,
    accountedAt,
    ticks,
  };
  await writeAtomic(signPath(system.env), `${JSON.stringify(sign)}\n`);
}

/** The last sign of life; undefined where there is none, or something else. */
export async function readSign(system: Pick<System, 'env'>): Promise<Sign | undefined> {
  try {
    const sign = JSON.parse((await readIfThere(signPath(system.env))) ?? 'null') as Sign | null;
    return sign !== null && Number.isFinite(Date.parse(sign.at)) ? sign : undefined;
  } catch {
    return undefined;
  }
}

function signPath(env: System['env']): string {
  return join(watchDirectory(env), 'beat.json');
}
