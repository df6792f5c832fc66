import { EXIT, type ExitCode } from '../errors.ts';
import { table } from '../terminal/table.ts';
import { type Arguments, type Command, type Context, printJson, text } from './command.ts';
import { guardCommands } from './runbook-guard.ts';
import { runbookRunCommand } from './runbook-run.ts';

export const runbookCommand: Command = {
  command: 'runbook',
  describe: 'What to do about a fault: symptoms, cause, confirmation, remedy, escalation',
  examples: [
    ['$0 runbook list', 'Every runbook, ours and the site’s'],
    ['$0 runbook show disk-quota --lang zh-CN', 'One of them, in Chinese'],
    ['$0 runbook run last', 'Diagnose a run, and do what its runbook says'],
  ],
  subcommands: [
    {
      command: 'list',
      describe: 'Every runbook and where it comes from',
      examples: [
        ['$0 runbook list', 'As a table'],
        ['$0 runbook list --json', 'For a script'],
      ],
      handler: list,
    },
    {
      command: 'show <fault>',
      describe: 'One runbook',
      examples: [
        ['$0 runbook show cuda-oom', 'In the language of the locale'],
        ['$0 runbook show cuda-oom --lang zh-CN', 'In Chinese'],
      ],
      options: (parser) =>
        parser
          .positional('fault', { type: 'string', describe: 'A fault’s id' })
          .option('lang', { type: 'string', describe: 'en or zh-CN; else what LANG says' }),
      handler: show,
    },
    runbookRunCommand,
    ...guardCommands,
  ],
};

async function list(_args: Arguments, { system, terminal, options }: Context): Promise<ExitCode> {
  const [{ loadRunbooks }, { faultsOf }] = await Promise.all([
    import('../runbook/load.ts'),
    import('../runbook/show.ts'),
  ]);
  const runbooks = faultsOf(await loadRunbooks(system));
  if (options.json) {
    printJson(
      terminal,
      runbooks.map(({ fault, path, front, bodyZh }) => ({
        id: fault,
        title: front.title,
        summary: front.summary,
        languages: bodyZh === '' ? ['en'] : ['en', 'zh-CN'],
        path,
      })),
    );
    return EXIT.ok;
  }
  const rows = runbooks.map(({ fault, front }) => [fault, front.summary]);
  for (const line of table([['RUNBOOK', 'SAYS'], ...rows])) terminal.out(line);
  return EXIT.ok;
}

async function show(args: Arguments, { system, terminal, options }: Context): Promise<ExitCode> {
  const [{ loadRunbooks }, { bodyIn, findRunbook, language }] = await Promise.all([
    import('../runbook/load.ts'),
    import('../runbook/show.ts'),
  ]);
  const wanted = language(text(args, 'lang'), system.env);
  const runbook = findRunbook(await loadRunbooks(system), text(args, 'fault') ?? '');
  const { fault, path, front } = runbook;
  const body = bodyIn(runbook, wanted);
  if (options.json) {
    const { title, summary, rows, confirm, remedies } = front;
    printJson(terminal, { id: fault, title, summary, rows, confirm, remedies, language: wanted, body, path });
    return EXIT.ok;
  }
  terminal.out(body);
  return EXIT.ok;
}
