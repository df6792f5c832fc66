import { EXIT } from '../errors.ts';
import { type Command, printJson, text, texts } from './command.ts';

export const drillCommand: Command = {
  command: 'drill <fault..>',
  describe: 'Do a fault to a real training in a sandbox: found, repaired, and nothing lost',
  examples: [
    ['$0 drill preempt', 'three preemptions, and a kill -9 while a checkpoint is written'],
    ['$0 drill all --json', 'every fault that this machine can cause, as one JSON document'],
  ],
  options: (parser) =>
    parser
      .positional('fault', {
        type: 'string',
        array: true,
        describe: 'One or more, or all; a wrong one lists them',
      })
      .option('name', {
        type: 'string',
        requiresArg: true,
        describe: 'Use (and leave) this sandbox, of four nodes [one of its own, ended afterwards]',
      })
      .epilogue('Exit code 0: every drill ended as it should; 1: one did not.'),
  handler: async (args, { system, terminal, options }) => {
    const { findDrills, runDrills } = await import('../drill/drills.ts');
    const results = await runDrills(
      system,
      findDrills(texts(args, 'fault')),
      text(args, 'name'),
      terminal.note,
    );
    const [first, ...others] = results;
    if (options.json) printJson(terminal, others.length === 0 ? first : results);
    else {
      const { drillLines, summaryLines } = await import('./drill-text.ts');
      const lines =
        first === undefined || others.length > 0
          ? summaryLines(results, terminal.style)
          : drillLines(first, terminal.style);
      for (const line of lines) terminal.out(line);
    }
    const isRight = results.every(({ verdict }) => verdict === 'equal' || verdict === 'stopped');
    return isRight ? EXIT.ok : EXIT.failed;
  },
};
