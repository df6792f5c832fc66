import { EXIT } from '../errors.ts';
import { printable } from '../terminal/terminal.ts';
import { type Command, flag, printJson, text } from './command.ts';

export const initCommand: Command = {
  command: 'init',
  describe: 'Ask the cluster and write a commented profile of it',
  examples: [
    ['$0 init', 'write or complete the profile in your own configuration file'],
    ['$0 init --dry-run', 'show the file instead of writing it'],
    ['$0 init --output opsctl.yaml --update', "take the cluster's values where the file says otherwise"],
  ],
  options: (parser) =>
    parser
      .option('output', {
        type: 'string',
        describe: 'File to write [default: that of --config, else ~/.config/opsctl/config.yaml]',
      })
      .option('name', { type: 'string', describe: "Name of the profile [default: the cluster's]" })
      .option('update', {
        type: 'boolean',
        describe: "Overwrite what differs with the cluster's values; the rest of the file stays",
      })
      .option('dry-run', { type: 'boolean', describe: 'Show what would be written' }),
  handler: async (args, { system, terminal, options }) => {
    const [{ init }, { userConfigPath }] = await Promise.all([
      import('../config/init.ts'),
      import('../config/load.ts'),
    ]);
    const dryRun = flag(args, 'dry-run');
    terminal.note('Asking the cluster ...');
    const result = await init(system, {
      output: text(args, 'output') ?? options.config ?? userConfigPath(system.env),
      name: text(args, 'name') ?? options.profile,
      update: flag(args, 'update'),
      dryRun,
    });
    const { path, profile, inForce, written, differences, added } = result;
    if (options.json) {
      printJson(terminal, {
        path,
        profile,
        inForce,
        written,
        added,
        differences,
        ...(dryRun ? { text: result.text } : {}),
      });
      return EXIT.ok;
    }
    const say = dryRun ? terminal.warn : terminal.out;
    if (dryRun) terminal.out(printable(result.text.trimEnd()));
    for (const { key, line, ...said } of differences) {
      const place = line === null ? path : `${path}:${line}`;
      const taken =
        said.action === 'updated'
          ? "the cluster's is taken"
          : 'kept; "opsctl init --update" takes the cluster\'s';
      say(
        printable(`${place}: ${key}: the cluster says ${said.cluster}, the file says ${said.file}: ${taken}`),
      );
    }
    if (added.length > 0 && added[0] !== '(profile)') say(`added: ${added.join(', ')}`);
    const outcome = written ? 'is written' : dryRun ? 'would be written' : 'needs no change';
    say(`${path}: profile ${profile} ${outcome}.`);
    if (inForce !== profile)
      terminal.warn(
        `It is not the one in force${inForce === null ? '' : `, which is ${inForce}`}: give --profile ${profile}, or write "profile: ${profile}" in ${path}.`,
      );
    return EXIT.ok;
  },
};
