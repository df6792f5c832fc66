import type { Alert } from '../alert/alert.ts';
import { compressHostlist } from '../slurm/hostlist.ts';
import type { SlurmJob } from '../slurm/job.ts';
import { alertOf, type Rule, type Scene, said } from './rule.ts';

interface Kind {
  readonly fault: string;
  readonly summary: string;
  readonly severity: 'warning' | 'critical';
  readonly command: (job: SlurmJob) => string;
}

const LIMITS: Kind = {
  fault: 'slurm-invalid-request',
  severity: 'warning',
  summary: 'more is asked for than a limit allows, so waiting does not help',
  command: ({ jobId }) => `scontrol show job ${jobId}`,
};

/** squeue(1), "JOB REASON CODES": those that do not pass by themselves. Priority, Resources, BeginTime, Licenses do. */
const REASONS: readonly (readonly [RegExp, Kind])[] = [
  [
    /^ReqNodeNotAvail/,
    {
      fault: 'node-unavailable',
      severity: 'warning',
      summary: 'the nodes asked for are down, drained or reserved',
      command: ({ jobId }) => `opsctl runbook run ${jobId}`,
    },
  ],
  [
    /^DependencyNeverSatisfied/,
    {
      fault: 'dependency-never',
      severity: 'warning',
      summary: 'the job before it ended otherwise than asked, so it never starts',
      command: ({ jobId }) => `opsctl cancel ${jobId}`,
    },
  ],
  [
    /^(?:PartitionDown|PartitionInactive|NodeDown|FrontEndDown)/,
    {
      fault: 'node-unavailable',
      severity: 'warning',
      summary: 'its partition or its nodes are down',
      command: ({ partition }) => `sinfo -R -p ${partition}`,
    },
  ],
  [
    /^(?:launch[_ ]failed[_ ]requeued[_ ]held|JobHeldAdmin|JobLaunchFailure|BadConstraints|InvalidAccount|InvalidQOS|ReservationDeleted|BurstBufferStageIn)|held in restart/i,
    {
      fault: 'job-held',
      severity: 'warning',
      summary: 'Slurm holds it until a person looks',
      command: ({ jobId }) => `scontrol show job ${jobId}`,
    },
  ],
  [
    /^(?:PartitionNodeLimit|PartitionTimeLimit|PartitionConfig|AccountNotAllowed|QOSNotAllowed|AccountingPolicy)/,
    LIMITS,
  ],
  // QOSMaxNodePerUserLimit and the like pass when one's other jobs end; the limits of a single job do not.
  [/^(?:QOS|Assoc)(?:Max.*PerJob|Max.*PerNode|Time|.*WallDuration|GrpWall).*|^MaxTimeLimit/, LIMITS],
];

/** How long a node may be away before a wait for it is worth a word: a reboot passes. */
const GRACE_S: Readonly<Record<string, number>> = { 'node-unavailable': 300 };

/** Jobs of this user that wait for what will not pass by itself: one alert a fault, for Slurm changes its mind about reasons. */
export const pendingRule: Rule = {
  faults: ['slurm-invalid-request', 'node-unavailable', 'dependency-never', 'job-held'],
  couldSee: ({ look }) => look.queue !== undefined,
  judge: (scene) => {
    const groups = new Map<string, { kind: Kind; jobs: SlurmJob[] }>();
    for (const job of scene.look.queue ?? []) {
      const kind = kindOf(job, scene.now);
      if (kind === undefined) continue;
      const group = groups.get(kind.fault) ?? { kind, jobs: [] };
      group.jobs.push(job);
      groups.set(kind.fault, group);
    }
    return [...groups.values()].map(({ kind, jobs }) => alert(scene, kind, jobs));
  },
};

function kindOf(job: SlurmJob, now: Date): Kind | undefined {
  if (job.state.phase !== 'pending' || job.reason === null) return undefined;
  const reason = job.reason;
  const kind = REASONS.find(([pattern]) => pattern.test(reason))?.[1];
  const waited = now.getTime() / 1000 - (job.submitTime ?? 0);
  return kind !== undefined && waited >= (GRACE_S[kind.fault] ?? 0) ? kind : undefined;
}

/** Without the nodes that some versions append: `ReqNodeNotAvail, UnavailableNodes:gnode07`. */
function reasonOf({ reason }: SlurmJob): string {
  return (reason ?? '').split(/[,\s]/)[0] ?? '';
}

const QUOTED = 3;

function alert(scene: Scene, kind: Kind, jobs: readonly SlurmJob[]): Alert {
  const names = new Set(jobs.map(({ name }) => name));
  const runs = scene.runs.filter(({ memory }) => names.has(memory.jobName)).map(({ runId }) => runId);
  const [first] = jobs;
  const nodes = jobs.flatMap(({ reason }) => /UnavailableNodes:(\S+)/.exec(reason ?? '')?.[1] ?? []);
  const many = jobs.length === 1 ? `job ${first?.jobId} waits` : `${jobs.length} jobs wait`;
  return alertOf(scene, {
    fault: kind.fault,
    target: 'waiting',
    severity: kind.severity,
    summary: `${many} with reason ${first === undefined ? '' : reasonOf(first)}: ${kind.summary}`,
    runs,
    nodes: nodes.length === 0 ? [] : [compressHostlist(new Set(nodes))],
    evidence: jobs
      .slice(0, QUOTED)
      .map((job) => said(`job ${job.jobId} ${job.name} is ${job.state.word}, reason ${job.reason}`)),
    command: first === undefined ? null : kind.command(first),
  });
}
