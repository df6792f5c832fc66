import { EXIT } from '../errors.ts';
import { type Command, printJson } from './command.ts';
import { addTemplateOptions, peekChoice, prepareParameters } from './run-options.ts';

export const renderCommand: Command = {
  command: 'render <phase>',
  describe: 'Print the batch script of a phase; submits nothing',
  examples: [
    ['$0 render sft -t example --data ./data --output ./runs', 'the script on standard output'],
    ['$0 render sft -r recipe.yaml --set nodes=4 --json', 'as JSON'],
  ],
  options: addTemplateOptions,
  prepare: prepareParameters,
  handler: async (args, context) => {
    const [{ planInput }, { planRun }, { checkFlags }] = await Promise.all([
      import('./run-template.ts'),
      import('../run/plan.ts'),
      import('../run/flags.ts'),
    ]);
    const input = await planInput(args, context, peekChoice(context));
    const plan = planRun(input);
    const { warnings } = await checkFlags(context.system, plan, input);
    for (const warning of warnings) context.terminal.warn(`warning: flags: ${warning}`);
    if (context.options.json) {
      const { trainerCommands } = await import('../run/commands.ts');
      const commands = await trainerCommands(
        context.system,
        plan.script,
        Number(plan.parameters.nodes?.value),
      );
      printJson(context.terminal, {
        script: plan.script,
        gate: plan.gate,
        commands,
        runId: plan.runId,
        outputDir: plan.outputDir,
      });
    } else context.terminal.out(plan.script.trimEnd());
    return EXIT.ok;
  },
};
