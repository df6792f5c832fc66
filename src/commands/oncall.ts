import { EXIT, type ExitCode } from '../errors.ts';
import type { Oncall } from '../oncall/find.ts';
import { type Arguments, type Command, type Context, printJson, text } from './command.ts';

export const oncallCommand: Command = {
  command: 'oncall',
  describe: 'The first thing to type at 3 am: what is wrong now, worst first, each with the next command',
  examples: [
    ['$0 oncall', 'All your runs and their nodes; one line when nothing is wrong'],
    ['$0 oncall --lang zh-CN', 'In Chinese; else in the language of notify.language or the locale'],
    ['$0 oncall --json', 'For a script'],
  ],
  options: (parser) =>
    parser
      .option('lang', { type: 'string', describe: 'en or zh-CN' })
      .epilogue(
        'Changes nothing. Exit code 0: nothing is wrong, 1: a warning, 2: something critical, 3: part of it could not be looked at, 75: Slurm did not answer.',
      ),
  handler: oncall,
};

async function oncall(args: Arguments, { system, terminal, options }: Context): Promise<ExitCode> {
  const [{ loadConfig }, { findProblems }, { loadRunbooks }, { language }, { oncallLines }, { severityOf }] =
    await Promise.all([
      import('../config/load.ts'),
      import('../oncall/find.ts'),
      import('../runbook/load.ts'),
      import('../runbook/show.ts'),
      import('./oncall-text.ts'),
      import('../oncall/problems.ts'),
    ]);
  const { profile } = await loadConfig(system, options);
  const asked = text(args, 'lang');
  const inProfile = profile.notify?.language === 'zh' ? 'zh-CN' : undefined;
  const spoken = language(asked ?? inProfile, system.env);
  const found = await findProblems(system, profile);
  const severity = severityOf(found.problems);
  if (options.json) {
    const status = severity ?? (found.blind.length > 0 ? 'unknown' : 'ok');
    printJson(terminal, { ...found, at: found.at.toISOString(), status });
  } else {
    const books = new Set((await loadRunbooks(system)).map(({ fault }) => fault));
    for (const line of oncallLines(found, { language: spoken, books, terminal })) terminal.out(line);
  }
  return exitCodeOf(severity, found);
}

function exitCodeOf(severity: string | null, { blind }: Oncall): ExitCode {
  if (severity === 'critical') return EXIT.critical;
  if (severity === 'warning') return EXIT.failed;
  return blind.length > 0 ? EXIT.unknown : EXIT.ok;
}
