import type { Argv } from 'yargs';
import { Parser } from 'yargs/helpers';
import type { Given, Parameter } from '../template/parameter.ts';
import type { Arguments, Context } from './command.ts';
import { text } from './command.ts';

/** What decides which template is used. */
export interface RunChoice {
  readonly phase: string;
  /** Of a phase that has several, such as rlhf. */
  readonly stage: string | undefined;
  readonly trainer: string | undefined;
  readonly recipe: string | undefined;
  readonly config: string | undefined;
  readonly profile: string | undefined;
}

/** -t, -r and --set, which every template has. */
export function addTemplateOptions(parser: Argv): Argv {
  const group = 'What runs:';
  return parser
    .positional('phase', { type: 'string', describe: 'What to run, such as sft: one that has a template' })
    .option('stage', {
      type: 'string',
      requiresArg: true,
      group,
      describe: 'Part of a phase that has several: reward, ppo or grpo of rlhf',
    })
    .option('trainer', { alias: 't', type: 'string', group, describe: 'Program that trains' })
    .option('recipe', { alias: 'r', type: 'string', group, describe: 'YAML file with parameters' })
    .option('set', {
      type: 'string',
      array: true,
      requiresArg: true,
      group,
      describe: 'One parameter, as key=value; may be repeated',
    });
}

/** Reads the template that the command line names, and gives what adds one option for each of its parameters. */
export async function prepareParameters(
  context: Pick<Context, 'system' | 'argv'>,
): Promise<(parser: Argv) => Argv> {
  const choice = peekChoice(context);
  if (choice.phase === '') return (parser) => parser;
  const [{ chooseTemplate }, { flagName }] = await Promise.all([
    import('./run-template.ts'),
    import('../template/resolve.ts'),
  ]);
  const { template } = await chooseTemplate(context, choice);
  return (parser) => {
    for (const parameter of template.parameters) {
      parser.option(flagName(parameter.name), {
        requiresArg: true,
        group: `${parameter.group}:`,
        describe: describeParameter(parameter),
        hidden: parameter.refused !== undefined,
      });
    }
    return parser;
  };
}

/** What is to be typed, where the text does not say it. */
const KIND: Partial<Record<Parameter['type'], string>> = {
  bool: 'true | false',
  float: 'number',
  int: 'whole number',
  path: 'path',
  paths: 'paths',
};

function describeParameter(parameter: Parameter): string {
  const facts = [
    parameter.choices?.join(' | ') ?? KIND[parameter.type],
    parameter.unit,
    parameter.min !== undefined && parameter.max !== undefined
      ? `${parameter.min} to ${parameter.max}`
      : undefined,
    parameter.required ? 'required' : undefined,
    parameter.default !== undefined && parameter.default !== null
      ? `default ${parameter.default}`
      : undefined,
  ].filter((fact) => fact !== undefined);
  return facts.length === 0 ? parameter.help : `${parameter.help} [${facts.join('; ')}]`;
}

/** The options of a parameter that were typed, as the strongest layer. */
export function flagValues(args: Arguments, parameters: readonly Parameter[]): Record<string, Given> {
  const values: Record<string, Given> = {};
  for (const { name } of parameters) {
    const flag = name.replaceAll('_', '-');
    const value = text(args, flag);
    if (value !== undefined) values[name] = { value, where: `--${flag}` };
  }
  return values;
}

/**
 * The phase and the trainer have to be known before the options are: each template has its own. yargs' own
 * tokenizer reads them, so that `-t=trl`, `-ttrl` and `--trainer trl` are all understood.
 */
export function peekChoice({ argv, system }: Pick<Context, 'system' | 'argv'>): RunChoice {
  const end = argv.indexOf('--');
  const words = end === -1 ? argv : argv.slice(0, end);
  const parsed = Parser([...words], {
    string: ['stage', 'trainer', 'recipe', 'config', 'profile', 'set'],
    boolean: ['help', 'json', 'quiet', 'verbose', 'dry-run', 'test-only', 'watch', 'again'],
    alias: { trainer: ['t'], recipe: ['r'], help: ['h'] },
    configuration: { 'parse-positional-numbers': false },
  });
  const last = (name: string): string | undefined => text(parsed, name);
  return {
    phase: String(parsed._[1] ?? ''),
    stage: last('stage'),
    trainer: last('trainer'),
    recipe: last('recipe'),
    config: last('config') ?? (system.env.OPSCTL_CONFIG || undefined),
    profile: last('profile') ?? (system.env.OPSCTL_PROFILE || undefined),
  };
}
