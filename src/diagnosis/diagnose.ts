import { EXIT, OpsError } from '../errors.ts';
import type { Runbook } from '../runbook/schema.ts';
import type { SlurmJob } from '../slurm/job.ts';
import type { System } from '../system/system.ts';
import { attemptOfPath } from './attempt-marks.ts';
import { type Attempts, type AttemptsDiagnosis, rankAttempts } from './attempts.ts';
import { collect } from './collect.ts';
import type { SourceReading } from './finding.ts';
import { compileMatcher, type Matcher } from './matcher.ts';
import { openLog, unpack } from './open-log.ts';
import type { Diagnosis } from './rank.ts';
import { scan } from './scan.ts';
import { describeState } from './slurm-evidence.ts';
import { type Suspect, suspectOf } from './suspect.ts';

/** One log: a file, or standard input as chunks. */
export interface Source {
  /** As it is shown. */
  readonly name: string;
  /** Which start of the job it is of, from 0; not there or null: it may be of any. */
  readonly attempt?: number | null;
  readonly chunks: AsyncIterable<Buffer> | Iterable<Buffer>;
}

export function fileSource(system: System, path: string): Source {
  return { name: path, attempt: attemptOfPath(path), chunks: openLog(system, path) };
}

/** Standard input, packed or not. */
export function stdinSource(system: System): Source {
  return { name: '-', chunks: unpack(system, '-', process.stdin) };
}

export interface FullDiagnosis extends AttemptsDiagnosis {
  readonly readings: readonly SourceReading[];
  /** The rank to look at where the cause is not in the logs. */
  readonly suspect: Suspect | null;
  /** What Slurm says, in one line; null where it was not asked. */
  readonly slurm: string | null;
}

/**
 * Reads all sources, one after another, each once, and names one cause.
 * @param slurm what Slurm says, where it was asked.
 * @throws OpsError when there is a source and none could be read.
 */
export async function diagnose(
  runbooks: readonly Runbook[],
  sources: readonly Source[],
  slurm: Attempts = {},
): Promise<FullDiagnosis> {
  const { newest: job } = slurm;
  const matcher = compileMatcher(runbooks);
  const readings: SourceReading[] = [];
  const refusals: OpsError[] = [];
  for (const [index, source] of sources.entries()) {
    const { refusal, ...reading } = await readSource(matcher, index, source);
    readings.push(reading);
    if (refusal) refusals.push(refusal);
  }
  const [refusal] = refusals;
  if (job === undefined && refusal && refusals.length === sources.length) throw refusal;
  const findings = readings.flatMap((reading) => reading.findings);
  const logged = [...readings, ...findings].flatMap(({ attempt }) => attempt ?? []);
  const diagnosis = rankAttempts(findings, slurm, logged, runbooks);
  const decisive = diagnosis.attempts.find((attempt) => attempt.decisive)?.attempt ?? null;
  const blind = diagnosis.status === 'healthy' && job?.state.outcome !== 'ok' && sawTooLittle(readings, job);
  return {
    ...diagnosis,
    status: blind ? 'unknown' : diagnosis.status,
    readings,
    suspect: needsSuspect(diagnosis) ? suspectOf(ofAttempt(readings, decisive)) : null,
    slurm: job === undefined ? null : describeState(job),
  };
}

function ofAttempt(readings: readonly SourceReading[], decisive: number | null): SourceReading[] {
  const isOf = ({ attempt }: { attempt: number | null }) =>
    decisive === null || attempt === null || attempt === decisive;
  return readings.filter(isOf).map((reading) => ({ ...reading, findings: reading.findings.filter(isOf) }));
}

function needsSuspect({ status, causes }: Diagnosis): boolean {
  return status === 'unknown' || causes[0]?.why.includes('only-cascade') === true;
}

/** No fault was found, but in what was not read, or is no text, there may be one. A job that waits has no log yet. */
function sawTooLittle(readings: readonly SourceReading[], job: SlurmJob | undefined): boolean {
  if (readings.some(({ problem }) => problem !== null)) return true;
  return job === undefined && readings.every(({ legibility }) => legibility === 'empty');
}

/** Reads one source to its end; a source that fails half-way counts as far as it was read. */
async function readSource(
  matcher: Matcher,
  index: number,
  { name, attempt = null, chunks }: Source,
): Promise<SourceReading & { readonly refusal: OpsError | undefined }> {
  const collector = collect(matcher, index, name, attempt);
  const scanner = scan(matcher, collector);
  let failure: OpsError | undefined;
  try {
    for await (const chunk of chunks) scanner.push(chunk);
  } catch (error) {
    if (!(error instanceof OpsError)) throw error;
    failure = error;
  }
  scanner.end();
  const legibility = collector.legibility();
  const problem = legibility === 'illegible' ? `${name} is no text: nothing can be told from it` : null;
  return {
    name,
    attempt: collector.attempt(),
    legibility,
    // A log that was there and is damaged has been read, as far as that goes.
    refusal: scanner.bytes() === 0 && failure?.exitCode !== EXIT.unknown ? failure : undefined,
    work: collector.work(),
    findings: collector.findings(),
    lines: scanner.lines(),
    bytes: scanner.bytes(),
    problem: failure?.message ?? problem,
  };
}
