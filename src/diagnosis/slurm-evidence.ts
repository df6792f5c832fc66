import type { Runbook, Signature, StateCondition } from '../runbook/schema.ts';
import type { SlurmJob } from '../slurm/job.ts';
import type { NodeState } from '../slurm/sinfo.ts';
import type { Evidence, Finding } from './finding.ts';

/** Before every line of a log: Slurm's verdict is not one process' view. */
const SLURM_SOURCE = -1;

/** What Slurm's state of the newest attempt says, by the conditions that the runbooks name. Pure. */
export function slurmFindings(job: SlurmJob, runbooks: readonly Runbook[]): Finding[] {
  const findings = runbooks.flatMap(({ fault, front }) =>
    (front.slurm ?? []).flatMap((condition, index) =>
      holds(condition, job) ? [finding(fault, stateId(index), 'root', condition, [wordsOf(job)])] : [],
    ),
  );
  if (findings.length > 0 || job.state.outcome !== 'failed') return findings;
  return [finding('noise', 'slurm-state', 'cascade', undefined, [wordsOf(job)])];
}

/** What it says that nodes of an attempt are gone, of whose end Slurm has no record. Pure. */
export function lostNodeFindings(lost: readonly NodeState[], runbooks: readonly Runbook[]): Finding[] {
  if (lost.length === 0) return [];
  return runbooks.flatMap(({ fault, front }) =>
    (front.slurm ?? []).flatMap((condition, index) =>
      condition.node === 'gone'
        ? [finding(fault, stateId(index), 'root', condition, lost.map(wordsOfNode))]
        : [],
    ),
  );
}

function stateId(index: number): string {
  return `slurm-state-${index + 1}`;
}

function holds({ state, reason, signal, exitCode, node }: StateCondition, job: SlurmJob): boolean {
  if (node !== undefined) return false;
  if (state && !state.includes(job.state.word)) return false;
  if (reason && !reason.some((start) => job.reason?.startsWith(start))) return false;
  if (signal && !(job.signal !== null && signal.includes(job.signal))) return false;
  return !exitCode || (job.exitCode !== null && exitCode.includes(job.exitCode));
}

function finding(
  fault: string,
  id: string,
  role: Signature['role'],
  condition: StateCondition | undefined,
  words: readonly Words[],
): Finding {
  const signature: Signature = {
    id,
    role,
    survivable: false,
    hit: [],
    miss: [],
    ...(condition ? { strength: condition.strength, confidence: condition.confidence } : {}),
  };
  const evidence = words.map(
    ({ text, node }): Evidence => ({ file: null, line: null, text, rank: null, node, role }),
  );
  return {
    fault,
    signature,
    attempt: null,
    at: [SLURM_SOURCE, 0],
    count: 1,
    survived: false,
    evidence,
  };
}

type Words = Pick<Evidence, 'text' | 'node'>;

function wordsOf(job: SlurmJob): Words {
  return { text: describeState(job), node: job.nodes === '' ? null : job.nodes };
}

function wordsOfNode({ node, state, reason }: NodeState): Words {
  return { text: `Slurm: node ${node} is ${state}${reason === null ? '' : ` (${reason})`}`, node };
}

/** `Slurm: job 12 is TIMEOUT, exit code 0, signal 15`. */
export function describeState({ jobId, state, reason, exitCode, signal }: SlurmJob): string {
  const details = [
    reason === null ? [] : [`reason ${reason}`],
    exitCode === null ? [] : [`exit code ${exitCode}`],
    signal === null ? [] : [`signal ${signal}`],
  ].flat();
  return `Slurm: job ${jobId} is ${[state.word, ...details].join(', ')}`;
}
