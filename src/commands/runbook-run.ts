import { EXIT, type ExitCode, OpsError, UsageError } from '../errors.ts';
import type { StepResult } from '../remedy/apply.ts';
import type { Diagnosed, Plan, Step } from '../remedy/step.ts';
import type { Target } from '../run/target.ts';
import type { System } from '../system/system.ts';
import { ask, hasPerson } from '../terminal/ask.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { type Arguments, type Command, type Context, flag, printJson, text } from './command.ts';

export const runbookRunCommand: Command = {
  command: 'run <target>',
  describe: 'Diagnose a run or job, show what can be done about it, and do it',
  examples: [
    ['$0 runbook run last', 'The plan; at a terminal each step is then asked for'],
    ['$0 runbook run 4711 --apply --yes', 'Carry it out without asking'],
    [
      '$0 runbook run 4711 --only exclude-node --node gnode07 --apply',
      'One act that the runbook does not propose',
    ],
  ],
  options: (parser) =>
    parser
      .positional('target', {
        type: 'string',
        describe: 'A run, the beginning of its name, a job id, or "last"',
      })
      .option('apply', { type: 'boolean', describe: 'Carry the plan out, asking for each step' })
      .option('yes', { type: 'boolean', describe: 'With --apply: yes to every step' })
      .option('only', {
        type: 'string',
        array: true,
        requiresArg: true,
        describe: 'This remedy or act and no other; may be repeated',
      })
      .option('node', {
        type: 'string',
        requiresArg: true,
        describe: 'For --only: these nodes, as gnode[05,09]',
      })
      .option('set', {
        type: 'string',
        array: true,
        requiresArg: true,
        describe: 'With --only resubmit: a parameter that is to differ, as nodes=2',
      })
      .option('before-step', {
        type: 'string',
        requiresArg: true,
        describe: 'With --only resubmit: from the newest checkpoint below this step',
      })
      .epilogue(
        'Exit code 0: nothing to do, or all done; 1: a fault, or a step that was not done; 3: unknown; 75: Slurm did not answer.',
      ),
  handler: run,
};

async function run(args: Arguments, context: Context): Promise<ExitCode> {
  const { system, terminal, options } = context;
  const isDeed = flag(args, 'apply');
  if (isDeed && !flag(args, 'yes') && !hasPerson())
    throw new UsageError('there is no terminal to ask at', 'Give --yes as well to carry out every step.');
  if (flag(args, 'yes') && !isDeed) throw new UsageError('--yes says yes to nothing without --apply');
  const [{ loadConfig }, { findTarget }, { planFor }, { askedFor }, { waitingOnce }] = await Promise.all([
    import('../config/load.ts'),
    import('../run/target.ts'),
    import('../remedy/automate.ts'),
    import('./runbook-asked.ts'),
    import('../slurm/wait-once.ts'),
  ]);
  const { profile } = await loadConfig(system, options);
  // A person must know within ten seconds that Slurm is down, and much is asked before there is a plan.
  const asking = waitingOnce(system);
  const name = text(args, 'target') ?? '';
  const target = await findTarget(asking, name);
  const asked = await askedFor(args, target, asking, options);
  const diagnosis = await diagnosisOf(name, asking, terminal).catch(async (error: unknown) => {
    // A person who says what to do needs no cause for it.
    if (asked.only !== undefined && error instanceof OpsError)
      return { status: 'unknown' as const, causes: [] };
    // A log that is not there says little while it is not known whether the job has started.
    await refuseSilence(asking, target);
    throw error;
  });
  const planning = { diagnosis, target, profile, attended: true, isNamed: true, seenAt: null, ...asked };
  if (isDeed) await settle(asking);
  const plan = await planFor(asking, planning);
  const { planDocument, planLines } = await import('./plan-report.ts');
  // Also where Slurm shows no such job.
  const shown = { ...plan, jobId: plan.jobId ?? (target.kind === 'job' ? target.jobId : null) };
  if (!options.json) for (const line of planLines(shown, diagnosis, terminal.style)) terminal.out(line);
  const isAsked = !isDeed && !options.json && plan.steps.length > 0 && hasPerson();
  const results = isDeed || isAsked ? await carryOut(plan, context, profile, !flag(args, 'yes')) : [];
  if (options.json) {
    const found = planDocument(shown, diagnosis);
    printJson(terminal, { ...found, applied: results.length > 0, results });
  }
  if (plan.blind) await refuseSilence(asking, target);
  return exitCodeOf(diagnosis.status, plan, results, isDeed);
}

/** @throws OpsError 75 where the plan is empty because Slurm did not answer, and not because it knows no such job. */
async function refuseSilence(system: System, target: Target): Promise<void> {
  const { knowTarget } = await import('../run/status.ts');
  const { failure } = await knowTarget(system, target);
  if (failure !== undefined) throw failure;
}

/** What was begun by an opsctl that was killed is looked up first. */
async function settle(system: System): Promise<void> {
  const [{ readJournal, withJournal }, { reconcileJournal }] = await Promise.all([
    import('../remedy/journal.ts'),
    import('../remedy/reconcile.ts'),
  ]);
  await withJournal(system, async () => reconcileJournal(system, await readJournal(system)));
}

async function diagnosisOf(name: string, system: System, terminal: Terminal): Promise<Diagnosed> {
  const [{ loadRunbooks }, { diagnose }, { gatherTarget }, { printable }] = await Promise.all([
    import('../runbook/load.ts'),
    import('../diagnosis/diagnose.ts'),
    import('./diagnose.ts'),
    import('../terminal/terminal.ts'),
  ]);
  const { sources, slurm, notes } = await gatherTarget(name, system);
  for (const note of notes) terminal.warn(printable(note));
  return diagnose(await loadRunbooks(system), sources, slurm);
}

async function carryOut(
  plan: Plan,
  { system, terminal, options }: Context,
  profile: import('../config/schema.ts').Profile,
  isToAsk: boolean,
): Promise<readonly StepResult[]> {
  const [{ applyPlan }, { commandLine }, { printable }] = await Promise.all([
    import('../remedy/apply.ts'),
    import('../remedy/typed.ts'),
    import('../terminal/terminal.ts'),
  ]);
  const confirm = (step: Step): Promise<boolean> => ask(`${step.action}: ${commandLine(step.typed)} ?`);
  const results = await applyPlan(system, plan, {
    level: 4,
    attended: true,
    profile,
    fleet: null,
    config: options,
    ...(isToAsk ? { confirm } : {}),
  });
  if (!options.json)
    for (const { action, result, said } of results)
      terminal.out(`${terminal.style(STYLE[result], result)}  ${action}: ${printable(said)}`);
  return results;
}

const STYLE = {
  done: 'green',
  'nothing-to-do': 'green',
  'not-done': 'red',
  refused: 'yellow',
  declined: 'yellow',
  proposed: 'yellow',
  unknown: 'yellow',
} as const;

function exitCodeOf(status: string, plan: Plan, results: readonly StepResult[], isDeed: boolean): ExitCode {
  if (results.some(({ result }) => result === 'unknown')) return EXIT.unknown;
  const isDone = ({ result }: StepResult): boolean => result === 'done' || result === 'nothing-to-do';
  if (results.some(({ said }) => said.startsWith('blind: '))) return EXIT.tryAgain;
  if (results.length > 0) return results.every(isDone) ? EXIT.ok : EXIT.failed;
  const { steps, refused } = plan;
  if (refused.length > 0 && steps.length === 0 && refused.every(({ rail }) => rail === 'already'))
    return EXIT.ok;
  if (isDeed && refused.length > 0) return EXIT.failed;
  if (status === 'healthy') return EXIT.ok;
  return status === 'diagnosed' || plan.steps.length > 0 ? EXIT.failed : EXIT.unknown;
}
