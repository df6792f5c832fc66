import { EXIT, type ExitCode, UsageError } from '../errors.ts';
import { type Arguments, type Command, type Context, printJson, texts } from './command.ts';

export const notifyCommand: Command = {
  command: 'notify',
  describe: 'Try out who is told of alerts',
  examples: [
    ['$0 notify test', 'a test to every receiver of the configuration'],
    ['$0 notify test --to oncall', 'to one of them'],
  ],
  subcommands: [
    {
      command: 'test',
      describe: 'Send a test to every receiver and say what happened to each',
      examples: [
        ['$0 notify test', 'all receivers; exit 75 when a server does not answer, 1 when one says no'],
        ['$0 notify test --to oncall --json', 'one receiver, for a script'],
      ],
      options: (parser) =>
        parser.option('to', {
          type: 'string',
          array: true,
          describe: 'A receiver of the configuration; may be given several times',
        }),
      handler: test,
    },
  ],
};

async function test(args: Arguments, { system, terminal, options }: Context): Promise<ExitCode> {
  const [{ loadConfig }, { testReceivers }, { table }, { printable }, { didYouMean }] = await Promise.all([
    import('../config/load.ts'),
    import('../notify/test-message.ts'),
    import('../terminal/table.ts'),
    import('../terminal/terminal.ts'),
    import('../terminal/suggest.ts'),
  ]);
  const { profile, path } = await loadConfig(system, options);
  const known = Object.keys(profile.notify?.receivers ?? {});
  if (profile.notify === null || known.length === 0) {
    throw new UsageError(
      `nobody is told of alerts: ${path ?? 'the configuration'} has no notify.receivers`,
      'Write one: notify: { receivers: { team: { kind: json, secret_file: /home/me/.config/opsctl/team } } }',
    );
  }
  const wanted = texts(args, 'to');
  for (const name of wanted.filter((each) => !known.includes(each)))
    throw new UsageError(
      `there is no receiver "${name}".${didYouMean(name, known)}`,
      `Receivers: ${known.join(', ')}`,
    );
  const results = await testReceivers(system, profile.notify, wanted.length > 0 ? wanted : known);
  if (options.json) printJson(terminal, results);
  else {
    const rows = results.map(({ receiver, kind, address, status, detail, seconds }) =>
      [receiver, kind, address ?? '', WORDS[status], `${seconds} s`, detail].map(printable),
    );
    for (const line of table(rows)) terminal.out(line);
  }
  if (results.some(({ status }) => status === 'setup' || status === 'refused')) return EXIT.failed;
  return results.every(({ status }) => status === 'sent') ? EXIT.ok : EXIT.tryAgain;
}

const WORDS = { sent: 'sent', later: 'no answer', setup: 'not set up', refused: 'refused' } as const;
