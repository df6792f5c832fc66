import { EXIT, OpsError, UsageError } from '../errors.ts';
import { showJob } from '../slurm/scontrol-job.ts';
import type { System } from '../system/system.ts';
import { findLogs, type LogChoice, type LogFile, ofTask } from './log-files.ts';
import { knowTarget } from './status.ts';
import { eachLine, lastLines } from './tail.ts';
import type { Target } from './target.ts';

/** Which files hold the chosen output of a run or job, asked for again whenever new ones may have come. */
export type LogSource = () => Promise<readonly LogFile[]>;

/**
 * Where a target's output is. A job that opsctl did not submit has one file: what Slurm calls its StdOut.
 * @throws OpsError when Slurm does not answer or knows no such job; UsageError for a choice that cannot be met.
 */
export async function logSource(system: System, target: Target, choice: LogChoice): Promise<LogSource> {
  if (target.kind === 'run') return () => findLogs(target.manifest, choice);
  if (choice.node !== undefined || choice.attempt !== undefined) {
    throw new UsageError(
      `opsctl did not submit job ${target.jobId}, so it has no logs by node or attempt`,
      'Leave out --node and --attempt; --rank works where srun has labelled the lines.',
    );
  }
  const job = await showJob(system, target.jobId);
  if (job === undefined) {
    throw new OpsError(`Slurm knows no job ${target.jobId} (any more), so its log cannot be found`, {
      exitCode: EXIT.unknown,
      hint: '"opsctl status" lists the runs; their logs stay readable after Slurm has forgotten them.',
    });
  }
  const { stdout } = job;
  if (stdout === null) throw new OpsError(`job ${target.jobId} has no output file: it is interactive`);
  const keep = choice.rank === undefined ? () => true : ofTask(choice.rank);
  return async () => [{ path: stdout, label: '', attempt: undefined, keep }];
}

/** One line of `opsctl logs --json`. */
export interface LogLine {
  readonly file: string;
  /** Number of the line in its file, from 1. */
  readonly line: number;
  readonly text: string;
}

/**
 * Reads the last lines of each file, or all for `Infinity`.
 * @returns how many of the files were there.
 */
export async function readLogs(
  files: readonly LogFile[],
  count: number,
  emit: (line: string, file: LogFile) => void,
): Promise<number> {
  let there = 0;
  for (const file of files) {
    const { lines, tail } = await lastLines(file.path, count, file.keep);
    let growth = await tail.read();
    if (growth.state !== 'absent') there += 1;
    const kept = [...lines, ...growth.lines.filter(file.keep)];
    // A file that is shown whole need not fit into the memory.
    while (count === Number.POSITIVE_INFINITY && growth.state === 'grown') {
      for (const line of kept.splice(0)) emit(line, file);
      growth = await tail.read();
      kept.push(...growth.lines.filter(file.keep));
    }
    kept.push(...tail.rest().filter(file.keep));
    for (const line of count === 0 ? [] : kept.slice(-count)) emit(line, file);
  }
  return there;
}

/** The same as records with line numbers, for which each file is read from its start. */
export async function numberedLogs(files: readonly LogFile[], count: number): Promise<LogLine[]> {
  const found = await Promise.all(
    files.map(async (file) => {
      const kept: LogLine[] = [];
      await eachLine(file.path, (text, line) => {
        if (!file.keep(text)) return;
        kept.push({ file: file.path, line, text });
        // Twice the room, cut seldom: a shift a line would cost more than the reading.
        if (kept.length >= 2 * count) kept.splice(0, kept.length - count);
      });
      return count === 0 ? [] : kept.slice(-count);
    }),
  );
  return found.flat();
}

/** Why there is nothing to show yet, in a sentence: the job waits, or its files are gone. */
export async function whyEmpty(system: System, target: Target): Promise<string> {
  const { knowledge, failure } = await knowTarget(system, target);
  const { state, job, notes } = knowledge;
  const reason = job?.reason ? ` (${job.reason})` : '';
  if (failure) return `no log is there, and whether the job has started is not known: ${failure.message}`;
  if (state.phase === 'pending')
    return `no log is there yet: the job is ${state.word}${reason}; -f waits for it`;
  return `no log is there; the job is ${state.word}${reason}. ${notes.join(' ')}`.trimEnd();
}
