import { OpsError } from '../errors.ts';
import type { Runbook } from '../runbook/schema.ts';
import type { SlurmJob } from '../slurm/job.ts';
import type { System } from '../system/system.ts';
import { collect } from './collect.ts';
import type { SourceReading } from './finding.ts';
import { compileMatcher, type Matcher } from './matcher.ts';
import { openLog } from './open-log.ts';
import { type Diagnosis, rank } from './rank.ts';
import { scan } from './scan.ts';
import { describeState, slurmFindings } from './slurm-evidence.ts';
import { type Suspect, suspectOf } from './suspect.ts';

/** One log: a file, or standard input as chunks. */
export interface Source {
  /** As it is shown. */
  readonly name: string;
  readonly chunks: AsyncIterable<Buffer> | Iterable<Buffer>;
}

export function fileSource(system: System, path: string): Source {
  return { name: path, chunks: openLog(system, path) };
}

export interface FullDiagnosis extends Diagnosis {
  readonly readings: readonly SourceReading[];
  /** The rank to look at where the cause is not in the logs. */
  readonly suspect: Suspect | null;
  /** What Slurm says, in one line; null where it was not asked. */
  readonly slurm: string | null;
}

/**
 * Reads all sources, one after another, each once, and names one cause.
 * @param job what Slurm says of the newest attempt, where it was asked.
 * @throws OpsError when there is a source and none could be read.
 */
export async function diagnose(
  runbooks: readonly Runbook[],
  sources: readonly Source[],
  job: SlurmJob | undefined,
): Promise<FullDiagnosis> {
  const matcher = compileMatcher(runbooks);
  const readings: SourceReading[] = [];
  for (const [index, source] of sources.entries()) readings.push(await readSource(matcher, index, source));
  const unread = readings.filter(({ problem, bytes }) => problem !== null && bytes === 0);
  if (job === undefined && sources.length > 0 && unread.length === sources.length) {
    throw new OpsError(unread[0]?.problem ?? 'nothing could be read');
  }
  const findings = readings.flatMap((reading) => reading.findings);
  const slurm = job === undefined ? [] : slurmFindings(job, runbooks);
  // Slurm saw the job end well: what its log complains of was lived through.
  const settled =
    job?.state.outcome === 'ok' ? findings.map((finding) => ({ ...finding, survived: true })) : findings;
  const diagnosis = rank([...slurm, ...settled], runbooks);
  const empty =
    diagnosis.status === 'healthy' && readings.every(({ bytes }) => bytes === 0) && job === undefined;
  return {
    ...diagnosis,
    status: empty ? 'unknown' : diagnosis.status,
    readings,
    suspect: needsSuspect(diagnosis) ? suspectOf(readings) : null,
    slurm: job === undefined ? null : describeState(job),
  };
}

function needsSuspect({ status, causes }: Diagnosis): boolean {
  return status === 'unknown' || causes[0]?.why.includes('only-cascade') === true;
}

/** Reads one source to its end; a source that fails half-way counts as far as it was read. */
async function readSource(matcher: Matcher, index: number, { name, chunks }: Source): Promise<SourceReading> {
  const collector = collect(matcher, index, name);
  const scanner = scan(matcher, collector);
  let problem: string | null = null;
  try {
    for await (const chunk of chunks) scanner.push(chunk);
  } catch (error) {
    if (!(error instanceof OpsError)) throw error;
    problem = error.message;
  }
  scanner.end();
  return {
    name,
    work: collector.work(),
    findings: collector.findings(),
    lines: scanner.lines(),
    bytes: scanner.bytes(),
    problem,
  };
}
