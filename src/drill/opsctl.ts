import { join } from 'node:path';
import { OpsError } from '../errors.ts';
import { poll } from '../sandbox/wait.ts';
import { packageRoot } from '../system/package.ts';
import type { Run, Scene, Stage } from './drill.ts';
import { WAIT_MS } from './wait.ts';

const LIMIT_MS = 60_000;

/** Types an opsctl command as a user would, and reads its JSON document: a drill shows the product, not its parts. */
export async function opsctl<T>(
  { system }: Pick<Stage, 'system'>,
  argv: readonly string[],
  trainerFlags: readonly string[] = [],
): Promise<T> {
  const program = join(packageRoot(), 'bin', 'opsctl.cjs');
  const rest = trainerFlags.length === 0 ? [] : ['--', ...trainerFlags];
  const answer = await system.exec([process.execPath, program, ...argv, '--json', ...rest], {
    env: system.env,
    cwd: system.cwd,
    timeoutMs: LIMIT_MS,
  });
  try {
    return JSON.parse(answer.stdout) as T;
  } catch {
    const said = answer.stderr.trim().split('\n').at(0) || `nothing, and ended with ${answer.code}`;
    throw new OpsError(`"opsctl ${argv.join(' ')}" said: ${said}`);
  }
}

interface Report {
  readonly causes: readonly { readonly fault: string; readonly confidence: number }[];
}

/**
 * @param patienceMs how long Slurm may take to show what is wrong.
 * @throws OpsError when `opsctl diagnose` names another fault than the one that was done.
 */
export async function expectDiagnosis(scene: Scene, fault: string, patienceMs = 0): Promise<void> {
  let named: string | undefined;
  const found = await poll(patienceMs, async () => {
    const [cause] = (await opsctl<Report>(scene, ['diagnose', scene.run.jobId])).causes;
    named = cause?.fault;
    return named === fault ? cause : undefined;
  });
  if (found === undefined)
    throw new OpsError(`opsctl diagnose ${scene.run.jobId} says ${named ?? 'unknown'}, not ${fault}`);
  scene.mark('diagnosed');
  scene.event(`diagnosed as ${fault} (${Math.round(found.confidence * 100)} %)`);
}

interface Look {
  readonly alerts: readonly {
    readonly fault: string;
    readonly runs: readonly string[];
    readonly nodes: readonly string[];
    readonly summary: string;
  }[];
  readonly actions: readonly {
    readonly steps: readonly { readonly action: string; readonly result: string }[];
  }[];
}

/** Looks with `opsctl watch --once`, as cron would, until it tells something of the run: of this kind, if one is asked for. */
export async function expectAlert(scene: Scene, fault?: string): Promise<void> {
  const alert = await poll(WAIT_MS, async () => {
    const { alerts } = await look(scene);
    return alerts.find(
      (one) => one.runs.includes(scene.run.runId) && (fault === undefined || one.fault === fault),
    );
  });
  if (alert === undefined)
    throw new OpsError(`opsctl watch says nothing of ${scene.run.runId}${fault ? ` being ${fault}` : ''}`);
  scene.mark('noticed');
  scene.event(`opsctl watch: ${alert.fault}: ${alert.summary}`);
}

/** Looks on until the watcher itself has done this, which the level of the fault must allow. */
export async function expectAct(scene: Scene, action: string): Promise<void> {
  const done = await poll(WAIT_MS, async () => {
    const steps = (await look(scene)).actions.flatMap((one) => one.steps);
    return steps.find((step) => step.action === action && step.result === 'done');
  });
  if (done === undefined) throw new OpsError(`opsctl watch has not done ${action}`);
}

async function look(scene: Scene): Promise<Look> {
  const seen = await opsctl<Look>(scene, ['watch', '--once']);
  for (const { action, result } of seen.actions.flatMap(({ steps }) => steps))
    scene.event(`opsctl watch: ${action} ${result}`);
  return seen;
}

interface Carried {
  readonly plan: { readonly refused: readonly { readonly rail: string }[] };
  readonly results: readonly { readonly action: string; readonly result: string; readonly said: string }[];
}

/**
 * Types `opsctl runbook run RUN ... --apply --yes`, as a person who has read the plan.
 * @throws OpsError when nothing was done, or not all.
 */
export async function runbook(scene: Scene, words: readonly string[]): Promise<Run> {
  const argv = ['runbook', 'run', scene.run.runId, ...words, '--apply', '--yes'];
  const { results, plan } = await opsctl<Carried>(scene, argv);
  if (results.length === 0 || results.some(({ result }) => result !== 'done')) {
    const said = results.map(({ action, result, said }) => `${action} ${result} (${said})`);
    const refused = plan.refused.map(({ rail }) => `refused by ${rail}`);
    throw new OpsError(`"opsctl ${argv.join(' ')}": ${[...said, ...refused].join(', ') || 'nothing to do'}`);
  }
  for (const { action } of results) scene.event(`opsctl runbook run: ${action} done`);
  const { jobId } = await opsctl<{ readonly jobId: string }>(scene, ['status', scene.run.runId]);
  return { ...scene.run, jobId };
}

/** @throws OpsError when `opsctl runbook run` would start the run again. */
export async function expectNoRestart(scene: Scene): Promise<void> {
  interface Planned {
    readonly plan: { readonly steps: readonly { readonly action: string }[] };
  }
  const { plan } = await opsctl<Planned>(scene, ['runbook', 'run', scene.run.runId]);
  const restart = plan.steps.find(({ action }) => action === 'requeue' || action === 'resubmit');
  if (restart !== undefined) throw new OpsError(`opsctl runbook run would ${restart.action} it`);
  scene.event('opsctl runbook run: starts nothing again');
}

interface Preflight {
  readonly verdicts: readonly { readonly check: string; readonly node: string; readonly status: string }[];
}

/** What a check says of a node: ok, warning, critical or unknown. */
export async function verdictOf(stage: Stage, check: string, node: string): Promise<string> {
  const { verdicts } = await opsctl<Preflight>(stage, ['preflight', '--nodes', node, '--only', check]);
  const own = verdicts.filter((verdict) => verdict.check === check && verdict.node === node);
  const worst = ['critical', 'unknown', 'warning', 'ok'].find((status) =>
    own.some((verdict) => verdict.status === status),
  );
  return worst ?? 'unknown';
}
