import type { Runbook } from '../runbook/schema.ts';
import type { SlurmJob } from '../slurm/job.ts';
import type { NodeState } from '../slurm/sinfo.ts';
import type { Evidence, Finding } from './finding.ts';
import { type Cause, type Diagnosis, rank } from './rank.ts';
import { describeState, lostNodeFindings, slurmFindings } from './slurm-evidence.ts';

/** How one start of a job that was started more than once ended. */
export interface AttemptResult {
  /** From 0, as SLURM_RESTART_COUNT counts. */
  readonly attempt: number;
  /** It is the one that the diagnosis is of. */
  readonly decisive: boolean;
  /** What Slurm says of it; null where it was not asked, or keeps no accounting. */
  readonly slurm: string | null;
  readonly status: Diagnosis['status'];
  readonly fault: string | null;
  readonly confidence: number | null;
  /** The decisive line first. */
  readonly evidence: readonly Evidence[];
}

export interface AttemptsDiagnosis extends Diagnosis {
  /** Oldest first; empty where there was one only. */
  readonly attempts: readonly AttemptResult[];
}

/** What Slurm says of one job's attempts. */
export interface Attempts {
  /** Records of those before the newest, oldest first, where accounting keeps them. */
  readonly earlier?: readonly SlurmJob[];
  /** Undefined where Slurm was not asked or does not say. */
  readonly newest?: SlurmJob | undefined;
  /** Which attempt is asked about, and `newest` of: absent, the newest that ran is. */
  readonly of?: number | undefined;
  /** Nodes of the attempt asked about that are gone; counts where Slurm has no record of how the attempt ended. */
  readonly lost?: readonly NodeState[];
}

/** A number for each, and which of them decides. Pure. */
export interface Numbered {
  readonly jobs: ReadonlyMap<number, SlurmJob>;
  readonly decisive: number;
}

/**
 * Which attempt's end is the job's: the newest that ran. One that still waits, or was cancelled while it waited, has
 * nothing to tell of why it has to wait again.
 * @param logged numbers of the attempts that have logs.
 */
export function number({ earlier = [], newest, of }: Attempts, logged: readonly number[]): Numbered {
  if (of !== undefined) return { jobs: new Map(newest ? [[of, newest]] : []), decisive: of };
  const lastLogged = Math.max(-1, ...logged);
  const jobs = new Map(earlier.map((job, index) => [index, job] as const));
  if (newest === undefined) return { jobs, decisive: Math.max(0, lastLogged) };
  const ran = newest.nodes !== '';
  // Without accounting, logs are all that is known of earlier attempts: one that waits has none.
  const own = Math.max(earlier.length, ran ? lastLogged : lastLogged + 1);
  jobs.set(own, newest);
  if (ran) return { jobs, decisive: own };
  const before = [...logged, ...earlier.flatMap(({ nodes }, index) => (nodes === '' ? [] : [index]))];
  return { jobs, decisive: before.length > 0 ? Math.max(...before) : own };
}

/** Ranks what was found in each attempt by itself; the answer is that of the decisive one. Pure. */
export function rankAttempts(
  findings: readonly Finding[],
  slurm: Attempts,
  logged: readonly number[],
  runbooks: readonly Runbook[],
): AttemptsDiagnosis {
  const { jobs, decisive } = number(slurm, logged);
  const results = [...new Set([decisive, ...logged, ...jobs.keys()])]
    .sort((one, other) => one - other)
    // What waits again has not ended in any way.
    .filter((attempt) => attempt === decisive || jobs.get(attempt)?.nodes !== '')
    .map((attempt) => {
      const job = jobs.get(attempt);
      const own = findings.filter((finding) => (finding.attempt ?? decisive) === attempt);
      // Slurm saw it end well: what its log complains of was lived through.
      const settled = job?.state.outcome === 'ok' ? own.map((each) => ({ ...each, survived: true })) : own;
      const lost = attempt === decisive && !isExplained(settled, runbooks) ? (slurm.lost ?? []) : [];
      const said = job === undefined ? lostNodeFindings(lost, runbooks) : slurmFindings(job, runbooks);
      return { attempt, job, diagnosis: rank([...said, ...settled], runbooks) };
    });
  const answer = results.find(({ attempt }) => attempt === decisive)?.diagnosis ?? rank([], runbooks);
  const others = results.filter(({ attempt }) => attempt !== decisive);
  if (others.length === 0) return { ...answer, attempts: [] };
  const causes = answer.causes.map((cause, index) =>
    index === 0
      ? recurring(
          cause,
          others.map(({ diagnosis }) => diagnosis),
        )
      : cause,
  );
  const attempts = results.map(
    ({
      attempt,
      job,
      diagnosis: {
        status,
        causes: [cause],
        seen,
      },
    }) => ({
      attempt,
      decisive: attempt === decisive,
      slurm: job === undefined ? null : describeState(job),
      status,
      fault: cause?.fault ?? null,
      confidence: cause?.confidence ?? null,
      evidence: (cause?.evidence ?? seen).slice(0, 1),
    }),
  );
  return { ...answer, causes, attempts };
}

/** Slurm's own words at the end of a step or a job; a node that is lost is the one reason that is not another one. */
const OTHER_REASON = /CANCELLED AT \S+ DUE TO (?!NODE FAILURE)/;

/** The logs themselves say why it ended, and it is nothing that follows from a lost node: that came afterwards, or beside it. */
function isExplained(findings: readonly Finding[], runbooks: readonly Runbook[]): boolean {
  if (findings.some(({ evidence }) => evidence.some(({ text }) => OTHER_REASON.test(text)))) return true;
  const [cause] = rank(findings, runbooks).causes;
  const byNode = runbooks.find(({ front }) => front.slurm?.some(({ node }) => node === 'gone'));
  return (
    cause !== undefined && cause.fault !== byNode?.fault && !byNode?.front.explains?.includes(cause.fault)
  );
}

/** Says so when other attempts ended by the same fault, and quotes them. */
function recurring(cause: Cause, others: readonly Diagnosis[]): Cause {
  const same = others
    .flatMap(({ causes }) => causes.slice(0, 1))
    .filter(({ fault }) => fault === cause.fault);
  if (same.length === 0) return cause;
  const evidence = [...cause.evidence, ...same.flatMap((each) => each.evidence.slice(0, 1))];
  return { ...cause, why: [...cause.why, 'recurring'], evidence };
}
