import { EXIT } from '../errors.ts';
import { stateHome } from '../system/system.ts';
import { table } from '../terminal/table.ts';
import { printable } from '../terminal/terminal.ts';
import { type Command, type Context, flag, printJson } from './command.ts';

export const configCommand: Command = {
  command: 'config',
  describe: 'Every configuration value and where it came from',
  examples: [
    ['$0 config', 'the profile in force: default, file and line, environment or flag'],
    ['$0 config --schema > opsctl.schema.json', 'the JSON Schema of the file, for editors'],
  ],
  options: (parser) =>
    parser.option('schema', { type: 'boolean', describe: 'Print the JSON Schema of the configuration file' }),
  handler: async (args, context) => {
    const { system, terminal, options } = context;
    if (flag(args, 'schema')) {
      const { configJsonSchema } = await import('../config/json-schema.ts');
      printJson(terminal, configJsonSchema());
      return EXIT.ok;
    }
    const [{ loadConfig }, { configValues }] = await Promise.all([
      import('../config/load.ts'),
      import('../config/values.ts'),
    ]);
    const config = await loadConfig(system, options);
    const values = configValues(config);
    const stateVariable = ['OPSCTL_HOME', 'XDG_STATE_HOME'].find((name) => system.env[name]);
    const rows = [
      {
        key: 'config',
        value: config.path,
        source: givenBy(context, 'config') ?? (config.path === null ? 'default' : 'found'),
      },
      {
        key: 'profile',
        value: config.profileName,
        source: givenBy(context, 'profile') ?? config.profileSource,
      },
      {
        key: 'state',
        value: stateHome(system.env),
        source: stateVariable ? `env ${stateVariable}` : 'default',
      },
      ...values.map(({ key, value, source }) => ({ key, value, source })),
    ];
    if (options.json) printJson(terminal, rows);
    else
      for (const line of table(
        rows.map(({ key, value, source }) => [key, shown(value), source].map(printable)),
      ))
        terminal.out(line);
    for (const { key, source } of values.filter(({ masked }) => masked)) {
      terminal.warn(
        printable(
          `${source}: ${key} looks like a secret; values here go into scripts. Put it into the secrets_file.`,
        ),
      );
    }
    return EXIT.ok;
  },
};

/** The flag or the environment variable that named a global option. */
function givenBy({ argv, options, system }: Context, name: 'config' | 'profile'): string | undefined {
  if (options[name] === undefined) return undefined;
  const option = `--${name}`;
  const variable = `OPSCTL_${name.toUpperCase()}`;
  const typed = argv.some((word) => word === option || word.startsWith(`${option}=`));
  return typed || !system.env[variable] ? option : `env ${variable}`;
}

function shown(value: unknown): string {
  if (value === null) return '-';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
