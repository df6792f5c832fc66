import type { Argv } from 'yargs';
import type { Given, Parameter } from '../template/parameter.ts';
import type { Arguments, Context } from './command.ts';
import { text } from './command.ts';

/** What decides which template is used. */
export interface RunChoice {
  readonly phase: string;
  readonly trainer: string | undefined;
  readonly recipe: string | undefined;
  readonly config: string | undefined;
  readonly profile: string | undefined;
}

/** Adds -t, -r, --set and, when the phase is known, one option for every parameter of its template. */
export async function addTemplateOptions(parser: Argv, context: Context): Promise<Argv> {
  const group = 'What runs:';
  parser
    .positional('phase', {
      type: 'string',
      describe: 'pretrain, cpt, sft, dpo or rlhf, as far as there is a template',
    })
    .option('trainer', { alias: 't', type: 'string', group, describe: 'Program that trains' })
    .option('recipe', { alias: 'r', type: 'string', group, describe: 'YAML file with parameters' })
    .option('set', {
      type: 'string',
      array: true,
      group,
      describe: 'One parameter, as key=value; may be repeated',
    });
  const choice = await peekChoice(context);
  if (choice.phase === '') return parser;
  const [{ chooseTemplate }, { flagName }] = await Promise.all([
    import('./run-template.ts'),
    import('../template/resolve.ts'),
  ]);
  const { template } = await chooseTemplate(context, choice);
  // yargs sets the whole help text before every command; what nobody asked for need not be in it.
  const hidden = !context.argv.some((word) => word === '--help' || word === '-h');
  for (const parameter of template.parameters) {
    parser.option(flagName(parameter.name), {
      type: 'string',
      requiresArg: true,
      hidden,
      group: `${parameter.group}:`,
      describe: describeParameter(parameter),
    });
  }
  return parser;
}

function describeParameter(parameter: Parameter): string {
  const facts = [
    parameter.choices?.join(' | '),
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
export async function peekChoice({ argv, options, system }: Context): Promise<RunChoice> {
  const { Parser } = await import('yargs/helpers');
  const end = argv.indexOf('--');
  const words = end === -1 ? argv : argv.slice(0, end);
  const parsed = Parser([...words], {
    string: ['trainer', 'recipe', 'config', 'profile', 'set'],
    boolean: ['help', 'json', 'quiet', 'verbose', 'dry-run', 'test-only', 'watch', 'again'],
    alias: { trainer: ['t'], recipe: ['r'], help: ['h'] },
    configuration: { 'parse-positional-numbers': false },
  });
  const last = (name: string): string | undefined => text(parsed, name);
  return {
    phase: String(parsed._[1] ?? ''),
    trainer: last('trainer'),
    recipe: last('recipe'),
    config: last('config') ?? options.config ?? system.env.OPSCTL_CONFIG,
    profile: last('profile') ?? options.profile ?? system.env.OPSCTL_PROFILE,
  };
}
