import { EXIT } from '../errors.ts';
import { type Command, printJson, text } from './command.ts';

export const diffCommand: Command = {
  command: 'diff <run> <other>',
  describe: 'What two runs did differently: parameters, code, versions, script',
  examples: [
    ['$0 diff tiny-2n-1 tiny-2n-2', 'exit code 0 when they are the same, 1 when they differ, as diff(1)'],
    ['$0 diff tiny-2n-1 last --json', 'the differences as JSON'],
  ],
  options: (parser) => {
    const describe = 'A run, the beginning of its name, its job, or "last"';
    return parser
      .positional('run', { type: 'string', describe })
      .positional('other', { type: 'string', describe });
  },
  handler: async (args, { system, terminal, options }) => {
    const [{ compareRuns }, { findTargetRun }, { table }, { printable }] = await Promise.all([
      import('../run/compare.ts'),
      import('../run/target.ts'),
      import('../terminal/table.ts'),
      import('../terminal/terminal.ts'),
    ]);
    const [before, after] = await Promise.all([
      findTargetRun(system, text(args, 'run') ?? ''),
      findTargetRun(system, text(args, 'other') ?? ''),
    ]);
    const found = await compareRuns(before, after);
    const code = found.same ? EXIT.ok : EXIT.failed;
    if (options.json) {
      printJson(terminal, { runs: [before.runId, after.runId], ...found });
      return code;
    }
    if (found.same) {
      terminal.note('They are the same, but for their names.');
      return code;
    }
    const changed = [...found.facts, ...found.parameters].map(({ name, before: old, after: fresh }) => [
      name,
      printable(String(old ?? '-')),
      printable(String(fresh ?? '-')),
    ]);
    if (changed.length > 0)
      for (const line of table([['', before.runId, after.runId], ...changed])) terminal.out(line);
    if (found.trainerFlags)
      for (const [index, flags] of found.trainerFlags.entries())
        terminal.out(`${index === 0 ? '-' : '+'} -- ${printable(flags.join(' '))}`);
    if (found.script === null) terminal.warn('The script of one of them is gone.');
    for (const line of found.script ?? []) {
      const colour = line.startsWith('-') ? 'red' : line.startsWith('+') ? 'green' : 'dim';
      terminal.out(line.startsWith(' ') ? printable(line) : terminal.style(colour, printable(line)));
    }
    return code;
  },
};
