import type { LoadedConfig } from '../config/load.ts';
import { EXIT } from '../errors.ts';
import { stateHome } from '../system/system.ts';
import { table } from '../terminal/table.ts';
import { printable } from '../terminal/terminal.ts';
import { type Arguments, type Command, type Context, flag, printJson, text } from './command.ts';
import { addTemplateOptions, peekChoice, prepareParameters } from './run-options.ts';

export const configCommand: Command = {
  command: 'config [phase]',
  describe: 'Every configuration value and where it came from',
  examples: [
    ['$0 config', 'the profile in force: default, file and line, environment or flag'],
    ['$0 config sft -r recipe.yaml --set nodes=4', 'the parameters of a run as well, each with its origin'],
    ['$0 config --schema > opsctl.schema.json', 'the JSON Schema of the file, for editors'],
  ],
  prepare: prepareParameters,
  options: (parser) =>
    addTemplateOptions(parser).option('schema', {
      type: 'boolean',
      describe: 'Print the JSON Schema of the configuration file',
    }),
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
      ...(await runParameters(args, context)),
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
    const wrong = await unknownNames(context, config);
    for (const sentence of wrong) terminal.warn(printable(sentence));
    return wrong.length > 0 ? EXIT.usage : EXIT.ok;
  },
};

/** Names under `defaults` and `phases` that no template has: a submission meets those of its own phase only. */
async function unknownNames({ system }: Context, config: LoadedConfig): Promise<string[]> {
  const [{ listParameterNames }, { strangePhases }, { didYouMean }] = await Promise.all([
    import('../template/load.ts'),
    import('../run/input.ts'),
    import('../terminal/suggest.ts'),
  ]);
  const { defaults, phases } = config;
  const names = new Set(['trainer', ...(await listParameterNames(system.env))]);
  const given = [
    ...Object.entries(defaults),
    ...Object.values(phases).flatMap((values) => Object.entries(values)),
  ];
  return [
    ...strangePhases(system, config),
    ...given
      .filter(([name]) => !names.has(name))
      .map(
        ([name, { where }]) => `${where}: no template has a parameter "${name}".${didYouMean(name, names)}`,
      ),
  ];
}

/** With a phase: its parameters as they would be submitted, under the phase's name. */
async function runParameters(args: Arguments, context: Context) {
  const phase = text(args, 'phase');
  if (phase === undefined) return [];
  const { planInput } = await import('./run-template.ts');
  const { parameters } = await planInput(args, context, peekChoice(context));
  return Object.entries(parameters).map(([name, { value, where }]) => ({
    key: `${phase}.${name}`,
    value,
    source: where,
  }));
}

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
