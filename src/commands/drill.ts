import { EXIT, UsageError } from '../errors.ts';
import { type Command, printJson, text } from './command.ts';

export const drillCommand: Command = {
  command: 'drill <fault>',
  describe: 'Do a fault to a real training in a sandbox, and prove that nothing was lost',
  examples: [
    ['$0 drill preempt', 'three preemptions, and a kill -9 while a checkpoint is written'],
    ['$0 drill preempt --json', 'the same as one JSON document'],
  ],
  options: (parser) =>
    parser.positional('fault', { type: 'string', describe: 'preempt' }).option('name', {
      type: 'string',
      requiresArg: true,
      describe: 'Use (and leave) this sandbox, of four nodes [one of its own, ended afterwards]',
    }),
  handler: async (args, { system, terminal, options }) => {
    const { drills, runDrill } = await import('../drill/drills.ts');
    const fault = text(args, 'fault') ?? '';
    const drill = drills.find(({ name }) => name === fault);
    if (drill === undefined) {
      const { didYouMean } = await import('../terminal/suggest.ts');
      const names = drills.map(({ name }) => name);
      throw new UsageError(
        `there is no drill "${fault}".${didYouMean(fault, names)}`,
        `Drills: ${drills.map(({ name, summary }) => `${name} (${summary})`).join('; ')}`,
      );
    }
    const result = await runDrill(system, drill, text(args, 'name'), terminal.note);
    if (options.json) printJson(terminal, result);
    else {
      const { drillLines } = await import('./drill-text.ts');
      for (const line of drillLines(result, terminal.style)) terminal.out(line);
    }
    return result.verdict === 'equal' ? EXIT.ok : EXIT.failed;
  },
};
