import type { Profile } from '../config/schema.ts';
import { OpsError } from '../errors.ts';
import { planFor } from '../remedy/automate.ts';
import { readJournal, withJournal } from '../remedy/journal.ts';
import { secondsOf } from '../remedy/rails.ts';
import { reconcileJournal } from '../remedy/reconcile.ts';
import type { Diagnosed, Plan } from '../remedy/step.ts';
import { knowTarget } from '../run/status.ts';
import { findTarget, type Target } from '../run/target.ts';
import { waitingOnce } from '../slurm/wait-once.ts';
import type { System } from '../system/system.ts';
import { printable, type Terminal } from '../terminal/terminal.ts';
import { othersLike } from '../watch/spread.ts';
import { type Arguments, type Context, flag, text } from './command.ts';
import { gatherTarget } from './diagnose.ts';
import { askedFor } from './runbook-asked.ts';

interface Planned {
  readonly plan: Plan;
  readonly diagnosis: Diagnosed;
  /** Why the plan is empty, where that is because Slurm did not answer. */
  readonly silence: OpsError | undefined;
}

/**
 * Diagnoses what a person has named, and makes the plan. Slurm is waited for once: a person must know within ten seconds
 * that it is down, and much is asked before there is a plan.
 * @throws OpsError 75 where Slurm does not answer and there is no log either.
 */
export async function planFromScratch(
  args: Arguments,
  { system, terminal, options }: Context,
  profile: Profile,
): Promise<Planned> {
  const asking = waitingOnce(system);
  const name = text(args, 'target') ?? '';
  const target = await findTarget(asking, name);
  const asked = await askedFor(args, target, asking, options);
  const diagnosis = await diagnosisOf(name, asking, terminal).catch(async (error: unknown) => {
    // A person who says what to do needs no cause for it.
    if (asked.only !== undefined && error instanceof OpsError)
      return { status: 'unknown' as const, causes: [] };
    // A log that is not there says little while it is not known whether the job has started.
    throw (await silenceOf(asking, target)) ?? error;
  });
  const runId = target.kind === 'run' ? target.manifest.runId : undefined;
  const window = secondsOf(profile.automation.breaker.window);
  const others = await othersLike(system, diagnosis.causes[0]?.fault, runId, window);
  if (flag(args, 'apply')) await settle(asking);
  const known = { diagnosis, target, profile, others, seenAt: null };
  const plan = await planFor(asking, { ...known, attended: true, isNamed: true, ...asked });
  // Also where Slurm shows no such job.
  const jobId = plan.jobId ?? (target.kind === 'job' ? target.jobId : null);
  const silence = plan.blind ? await silenceOf(asking, target) : undefined;
  return { plan: { ...plan, jobId }, diagnosis, silence };
}

/** Why Slurm does not tell of the job; undefined where it answers, be it that it knows no such job. */
async function silenceOf(system: System, target: Target): Promise<OpsError | undefined> {
  return (await knowTarget(system, target)).failure;
}

/** What was begun by an opsctl that was killed is looked up first. */
async function settle(system: System): Promise<void> {
  await withJournal(system, async () => reconcileJournal(system, await readJournal(system)));
}

async function diagnosisOf(name: string, system: System, terminal: Terminal): Promise<Diagnosed> {
  const [{ loadRunbooks }, { diagnose }] = await Promise.all([
    import('../runbook/load.ts'),
    import('../diagnosis/diagnose.ts'),
  ]);
  const { sources, slurm, notes } = await gatherTarget(name, system);
  for (const note of notes) terminal.warn(printable(note));
  return diagnose(await loadRunbooks(system), sources, slurm);
}
