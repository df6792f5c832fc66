import { type Command, flag, text, texts } from './command.ts';

export const rerunCommand: Command = {
  command: 'rerun <run>',
  describe: 'Submit a run once more: the same parameters, a new name',
  examples: [
    ['$0 rerun last --set learning_rate=5e-6', 'the newest run with one thing changed'],
    ['$0 rerun last --set seed=1,2,3', 'once for each value, as a job array'],
    ['$0 rerun tiny-2n-20261124 --dry-run', 'show what would be done'],
  ],
  options: (parser) =>
    parser
      .positional('run', { type: 'string', describe: 'A run, the beginning of its name, its job, or "last"' })
      .option('set', {
        type: 'string',
        array: true,
        requiresArg: true,
        describe: 'One parameter that is to differ, as key=value; may be repeated',
      })
      .option('at-once', {
        type: 'string',
        requiresArg: true,
        describe: 'Of a sweep (--set learning_rate=1e-5,5e-6): how many runs at the same time',
      })
      .option('after', {
        type: 'string',
        requiresArg: true,
        describe: 'Start only when this job or run has ended well',
      })
      .option('dry-run', { type: 'boolean', describe: 'Check and show everything, submit nothing' })
      .option('test-only', { type: 'boolean', describe: 'Ask Slurm when it would start, and stop there' })
      .option('watch', { type: 'boolean', describe: 'Follow the log until the run has ended' })
      .option('no-preflight', { type: 'boolean', describe: 'Submit without any check' }),
  handler: async (args, context) => {
    const [
      { findTargetRun },
      { rerunOf },
      { parseSettings },
      { sweepSettings },
      { dependency, submitInput },
    ] = await Promise.all([
      import('../run/target.ts'),
      import('../run/rerun.ts'),
      import('../template/resolve.ts'),
      import('../template/sweep.ts'),
      import('./submit.ts'),
    ]);
    const { system, terminal, options } = context;
    const manifest = await findTargetRun(system, text(args, 'run') ?? '');
    const settings = parseSettings(texts(args, 'set'));
    const { template, inputWith, warnings } = await rerunOf(system, options, manifest);
    const { swept, tasks } = sweepSettings(settings, template.parameters);
    const inputs = await Promise.all(tasks.map(inputWith));
    for (const warning of warnings) terminal.warn(`warning: ${warning}`);
    const how = { again: true, preflight: !flag(args, 'no-preflight'), ...(await dependency(args, context)) };
    const [input] = inputs;
    if (input !== undefined && inputs.length === 1) return submitInput({ ...input, ...how }, args, context);
    const { submitInputs } = await import('./submit-sweep.ts');
    return submitInputs(inputs, swept, args, context, how);
  },
};
