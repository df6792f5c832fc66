import { EXIT, type ExitCode, UsageError } from '../errors.ts';
import type { StepResult } from '../remedy/apply.ts';
import type { Plan, Step } from '../remedy/step.ts';
import type { System } from '../system/system.ts';
import { ask, hasPerson } from '../terminal/ask.ts';
import { type Arguments, type Command, type Context, flag, printJson, text, texts } from './command.ts';

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
      .epilogue(
        'Exit code 0: nothing to do, or all done; 1: a fault, or a step that was not done; 3: unknown.',
      ),
  handler: run,
};

async function run(args: Arguments, context: Context): Promise<ExitCode> {
  const { system, terminal, options } = context;
  const isDeed = flag(args, 'apply');
  if (isDeed && !flag(args, 'yes') && !hasPerson())
    throw new UsageError('there is no terminal to ask at', 'Give --yes as well to carry out every step.');
  if (flag(args, 'yes') && !isDeed) throw new UsageError('--yes says yes to nothing without --apply');
  const [{ loadConfig }, { findTarget }, { planFor }, { secondsOf }, { othersLike }] = await Promise.all([
    import('../config/load.ts'),
    import('../run/target.ts'),
    import('../remedy/automate.ts'),
    import('../remedy/rails.ts'),
    import('../watch/spread.ts'),
  ]);
  const { profile } = await loadConfig(system, options);
  const name = text(args, 'target') ?? '';
  const target = await findTarget(system, name);
  const only = texts(args, 'only');
  const diagnosis = await diagnosisOf(name, only, context);
  const asked = only.length === 0 ? {} : { only, ...(await givenWith(args, context.system)) };
  const runId = target.kind === 'run' ? target.manifest.runId : undefined;
  const window = secondsOf(profile.automation.breaker.window);
  const others = await othersLike(system, diagnosis.causes[0]?.fault, runId, window);
  const known = { diagnosis, target, profile, others, seenAt: null };
  const planning = { ...known, attended: true, isNamed: true, ...asked };
  if (isDeed) await settle(context);
  const plan = await planFor(system, planning);
  if (!options.json) {
    const { planLines } = await import('./plan-report.ts');
    for (const line of planLines(plan, diagnosis, terminal.style)) terminal.out(line);
  }
  const isAsked = !isDeed && !options.json && plan.steps.length > 0 && hasPerson();
  const results = isDeed || isAsked ? await carryOut(plan, context, profile, !flag(args, 'yes')) : [];
  if (options.json) {
    const { steps, refused, advice, level, exhausted } = plan;
    const shown = steps.map(({ act: _, expects: __, ...step }) => step);
    const found = { runId: plan.runId, jobId: plan.jobId, status: diagnosis.status, fault: plan.fault };
    const document = { steps: shown, refused, advice, level, exhausted };
    printJson(terminal, { ...found, plan: document, applied: results.length > 0, results });
  }
  return exitCodeOf(diagnosis.status, plan, results, isDeed);
}

/** What was begun by an opsctl that was killed is looked up first. */
async function settle({ system }: Context): Promise<void> {
  const [{ readJournal, withJournal }, { reconcileJournal }] = await Promise.all([
    import('../remedy/journal.ts'),
    import('../remedy/reconcile.ts'),
  ]);
  await withJournal(system, async () => reconcileJournal(system, await readJournal(system)));
}

/** A person who says what to do needs no cause for it. */
async function diagnosisOf(name: string, only: readonly string[], { system, terminal }: Context) {
  const [{ loadRunbooks }, { diagnose }, { gatherTarget }, { printable }] = await Promise.all([
    import('../runbook/load.ts'),
    import('../diagnosis/diagnose.ts'),
    import('./diagnose.ts'),
    import('../terminal/terminal.ts'),
  ]);
  try {
    const { sources, slurm, notes } = await gatherTarget(name, system);
    for (const note of notes) terminal.warn(printable(note));
    return await diagnose(await loadRunbooks(system), sources, slurm);
  } catch (error) {
    if (only.length === 0) throw error;
    return { status: 'unknown' as const, causes: [] };
  }
}

async function givenWith(args: Arguments, system: System) {
  const [{ namedNodes }, { parseSettings }] = await Promise.all([
    import('./named-nodes.ts'),
    import('../template/resolve.ts'),
  ]);
  const nodes = text(args, 'node');
  const settings = Object.entries(parseSettings(texts(args, 'set')));
  return {
    ...(nodes === undefined ? {} : { onNodes: await namedNodes(system, nodes) }),
    ...(settings.length === 0
      ? {}
      : { set: Object.fromEntries(settings.map(([key, { value }]) => [key, String(value)])) }),
  };
}

async function carryOut(
  plan: Plan,
  { system, terminal, options }: Context,
  profile: import('../config/schema.ts').Profile,
  isToAsk: boolean,
): Promise<readonly StepResult[]> {
  const [{ applyPlan }, { commandLine }, { printable }] = await Promise.all([
    import('../remedy/apply.ts'),
    import('./plan-report.ts'),
    import('../terminal/terminal.ts'),
  ]);
  const confirm = (step: Step): Promise<boolean> => ask(`${step.action}: ${commandLine(step.command)} ?`);
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
  if (results.length > 0) return results.every(isDone) ? EXIT.ok : EXIT.failed;
  if (isDeed && plan.refused.length > 0) return EXIT.failed;
  if (status === 'healthy') return EXIT.ok;
  return status === 'diagnosed' || plan.steps.length > 0 ? EXIT.failed : EXIT.unknown;
}
