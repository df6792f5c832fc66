import type { Profile } from '../config/schema.ts';
import { EXIT, type ExitCode, UsageError } from '../errors.ts';
import type { StepResult } from '../remedy/apply.ts';
import type { Plan, Step } from '../remedy/step.ts';
import { ask, hasPerson } from '../terminal/ask.ts';
import { type Arguments, type Command, type Context, flag, printJson } from './command.ts';

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
  const [{ loadConfig }, { planFromScratch }, { planDocument, planLines }] = await Promise.all([
    import('../config/load.ts'),
    import('./runbook-plan.ts'),
    import('./plan-report.ts'),
  ]);
  const { profile } = await loadConfig(system, options);
  const { plan, diagnosis, silence } = await planFromScratch(args, context, profile);
  if (!options.json) for (const line of planLines(plan, diagnosis, terminal.style)) terminal.out(line);
  const isAsked = !isDeed && !options.json && plan.steps.length > 0 && hasPerson();
  const results = isDeed || isAsked ? await carryOut(plan, context, profile, !flag(args, 'yes')) : [];
  if (options.json) {
    const found = planDocument(plan, diagnosis);
    printJson(terminal, { ...found, applied: results.length > 0, results });
  }
  if (silence !== undefined) throw silence;
  return exitCodeOf(diagnosis.status, plan, results, isDeed);
}

async function carryOut(
  plan: Plan,
  { system, terminal, options }: Context,
  profile: Profile,
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
