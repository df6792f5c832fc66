import { EXIT, OpsError } from '../errors.ts';
import { NO_DATA } from '../health/data.ts';
import { checkLogin, type LoginChecks } from '../health/login.ts';
import { type Status, type Verdict, worst } from '../health/verdict.ts';
import { sbatchTestOnly, type TestOnly } from '../slurm/sbatch.ts';
import type { System } from '../system/system.ts';
import type { ParameterValue } from '../template/parameter.ts';
import { exclusionHint } from './exclusions.ts';
import { checkFlags, type FlagCheck } from './flags.ts';
import { limitsOf } from './gate-checks.ts';
import { askLimits } from './limits.ts';
import { askLoginProbes } from './login-probes.ts';
import type { Manifest } from './manifest.ts';
import { dataLists } from './mixture.ts';
import { type Plan, type PlanInput, valuesOf } from './plan.ts';

export interface SubmitRequest extends PlanInput {
  /** Submit even though the same thing is queued or running. */
  readonly again: boolean;
  readonly preflight: boolean;
  /** Options of sbatch beside the script's own, such as a dependency. */
  readonly sbatchOptions: readonly string[];
  /** What the run waits for and belongs to, for its manifest. */
  readonly chain?: Pick<Manifest, 'after' | 'pipeline' | 'upstream'>;
}

/** As in checks/data.sh. */
const DATA_FILES_MAX = 10_000;

/** What was found before the queue. */
export interface Readiness {
  readonly status: Status;
  readonly verdicts: readonly Verdict[];
  readonly data: LoginChecks['data'];
  readonly slurm: TestOnly | null;
  readonly flags: FlagCheck;
}

/** A check was critical. Carries what was found, for those who read it as JSON. */
export class NotReady extends OpsError {
  readonly plan: Plan;
  readonly readiness: Readiness;

  constructor(message: string, plan: Plan, readiness: Readiness) {
    super(message, {
      exitCode: EXIT.critical,
      hint: 'Mend it, or give --no-preflight to submit all the same.',
    });
    this.plan = plan;
    this.readiness = readiness;
  }
}

/**
 * What the login node can tell of a run before it is queued, all at once: paths, data, quota, keys, the trainer's flags, and
 * whether Slurm would take the script. `submit` and `preflight` have their verdicts from here, so they are the same.
 * Changes nothing.
 * @throws UsageError for a flag that the trainer would refuse, with --no-preflight too.
 */
export async function getReady(system: System, plan: Plan, request: SubmitRequest): Promise<Readiness> {
  if (!request.preflight) {
    const flags = await checkFlags(system, plan, request);
    return { status: 'unknown', verdicts: flagVerdicts(flags), data: NO_DATA, slurm: null, flags };
  }
  const values = valuesOf(plan.parameters);
  const paths = {
    model: String(values.model),
    data: typeof values.data === 'string' ? values.data : null,
    dataSuffix: String(values.data_suffix ?? ''),
    dataKeys: request.template.front.data_keys ?? [],
    dataFilesMax: Number(limitsOf(request.template, request.profile).data_files_max ?? DATA_FILES_MAX),
    output: String(values.output),
    lists: dataLists(values),
    needed: neededPaths(request, values),
    secretsFile: typeof values.secrets_file === 'string' ? values.secrets_file : null,
  };
  const [checks, probes, slurm, limits, flags] = await Promise.all([
    checkLogin(paths),
    askLoginProbes(system, request, values),
    sbatchTestOnly(system, plan.script, request.sbatchOptions),
    askLimits(system, request.profile, values),
    checkFlags(system, plan, request),
  ]);
  // What an earlier stage will have left is not there yet.
  const later = new Set(request.upstream?.map(({ parameter }) => parameter));
  const now = checks.verdicts.filter(({ check }) => !later.has(check));
  const verdicts = [
    ...now,
    ...probes,
    ...cpuVerdict(values),
    ...flagVerdicts(flags),
    ...limits,
    slurmVerdict(slurm),
  ];
  const status = worst(verdicts.map((verdict) => verdict.status));
  return { status, verdicts, data: checks.data, slurm, flags };
}

/** Paths that have a meaning of their own, and are looked at by it or made by the run. */
const NOT_NEEDED = new Set(['data', 'output', 'secrets_file', 'data_root']);

function neededPaths(
  request: SubmitRequest,
  values: Readonly<Record<string, ParameterValue>>,
): Record<string, string> {
  const paths = request.template.parameters.filter(
    ({ name, type }) => type === 'path' && !NOT_NEEDED.has(name),
  );
  const given = paths.map(({ name }) => [name, values[name]] as const);
  const texts = given.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(texts);
}

/** Slurm gives a job one CPU a task when none are asked for: eight GPUs would starve on it. */
function cpuVerdict(values: Readonly<Record<string, unknown>>): Verdict[] {
  if (!values.gpus_per_node || values.cpus_per_node !== null) return [];
  const message = 'no CPUs are asked for, and the profile does not know the nodes: Slurm may give one';
  const common = {
    check: 'cpus',
    node: 'controller',
    fact: 'cpus_per_node',
    value: null,
    limit: null,
    seconds: 0,
  };
  return [{ ...common, status: 'warning', message, fix: 'opsctl init, or set cpus_per_node' }];
}

/** What the trainer would refuse is an error; here stands what was let through. */
function flagVerdicts({ warnings }: FlagCheck): Verdict[] {
  return warnings.map((message) => ({
    check: 'flags',
    node: 'controller',
    status: 'warning',
    message,
    fact: 'trainer_flags',
    value: null,
    limit: null,
    fix: 'opsctl trainers',
    seconds: 0,
  }));
}

function slurmVerdict(slurm: TestOnly): Verdict {
  const common = { check: 'slurm-accepts', node: 'controller', fact: 'test-only', limit: null, seconds: 0 };
  if (slurm.accepted) {
    return {
      ...common,
      status: 'ok',
      message: slurm.start ? `Slurm would start it at ${slurm.start}` : 'Slurm would take it',
      value: slurm.start,
      fix: null,
    };
  }
  return {
    ...common,
    status: 'critical',
    message: `Slurm would refuse it: ${slurm.reason}`,
    value: null,
    fix: exclusionHint(slurm.reason) ?? 'sinfo -o "%P %a %l %D %G"',
  };
}

/** @throws NotReady when something critical was found. */
export function refuseCritical(readiness: Readiness, plan: Plan): void {
  const critical = readiness.verdicts.filter((verdict) => verdict.status === 'critical');
  if (critical.length === 0) return;
  const lines = critical.map(
    (verdict) => `${verdict.check}: ${verdict.message}${verdict.fix === null ? '' : `   [${verdict.fix}]`}`,
  );
  throw new NotReady(
    `nothing was submitted, because the run could not start:\n  ${lines.join('\n  ')}`,
    plan,
    readiness,
  );
}
