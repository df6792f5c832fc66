import yargs, { type Argv } from 'yargs';
import type { Arguments, Command, Context, GlobalOptions } from './commands/command.ts';
import { commands } from './commands/index.ts';
import { describeFailure, EXIT, type ExitCode, UsageError } from './errors.ts';
import { redact } from './system/secrets.ts';
import type { System } from './system/system.ts';
import { didYouMean } from './terminal/suggest.ts';
import { printable, quiet, type Terminal } from './terminal/terminal.ts';
import { version } from './version.ts';

const MAX_HELP_WIDTH = 110;

/** Runs one command line and gives its exit code. Everything thrown below ends here, as one message on standard error. */
export async function cli(argv: readonly string[], system: System, terminal: Terminal): Promise<ExitCode> {
  try {
    return await run(commandFirst(dashed(argv)), system, terminal);
  } catch (thrown) {
    const failure = describeFailure(thrown);
    terminal.warn(`${terminal.style('red', 'error:')} ${redact(failure.text)}`);
    return failure.exitCode;
  }
}

async function run(argv: readonly string[], system: System, terminal: Terminal): Promise<ExitCode> {
  let work: Promise<ExitCode> = Promise.resolve(EXIT.ok);
  const parser = yargs([...argv])
    .scriptName('opsctl')
    .parserConfiguration({
      'populate--': true,
      'dot-notation': false,
      'camel-case-expansion': false,
      'boolean-negation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'greedy-arrays': false,
    })
    .usage('$0 COMMAND\n\nSubmits, checks, watches and repairs LLM training runs on Slurm.')
    .version(version())
    .help()
    .alias('h', 'help')
    .wrap(Math.min(MAX_HELP_WIDTH, terminal.width))
    .strict()
    .demandCommand(1, 'Say which command: "opsctl --help" lists them.')
    .exitProcess(false)
    .fail((message, error) => {
      throw error === undefined || error.name === 'YError'
        ? usage(message ?? error.message, parser, argv)
        : error;
    });
  addGlobalOptions(parser, system.env);
  const typed = commands.find((command) => nameOf(command) === argv[0]);
  const addPrepared = await typed?.prepare?.({ system, argv });
  const registration: Registration = {
    contextOf: (args) => contextOf(args, argv, system, terminal),
    addPrepared: (command, inner) => (command === typed && addPrepared ? addPrepared(inner) : inner),
    start: (started) => {
      work = started;
    },
  };
  for (const command of typed ? [typed] : commands) register(parser, command, registration);
  withoutHelpCache(parser);
  parser.parse();
  return work;
}

function addGlobalOptions(parser: Argv, env: System['env']): void {
  const group = 'For every command:';
  parser
    .option('config', { type: 'string', group, describe: 'Configuration file', ...given(env.OPSCTL_CONFIG) })
    .option('profile', {
      type: 'string',
      group,
      describe: 'Cluster profile to use',
      ...given(env.OPSCTL_PROFILE),
    })
    .option('json', {
      type: 'boolean',
      group,
      describe: 'One JSON document on standard output',
      ...on(env.OPSCTL_JSON),
    })
    .option('quiet', { type: 'boolean', group, describe: 'Only results and errors', ...on(env.OPSCTL_QUIET) })
    .option('verbose', {
      type: 'boolean',
      group,
      describe: 'Also say what is done',
      ...on(env.OPSCTL_VERBOSE),
    })
    .group(['help', 'version'], group);
}

function given(value: string | undefined): { default?: string } {
  return value ? { default: value } : {};
}

function on(value: string | undefined): { default?: boolean } {
  return value && value !== '0' && value !== 'false' ? { default: true } : {};
}

/**
 * Before each command yargs sets its whole help text, in case the handler fails later; that takes longer than most
 * commands. Here a handler's failure ends in `cli`, without help, so the text is never needed.
 */
function withoutHelpCache(parser: Argv): void {
  const { getInternalMethods } = parser as unknown as YargsInternals;
  const usage = getInternalMethods?.call(parser).getUsageInstance?.();
  if (usage) usage.cacheHelpMessage = () => undefined;
}

/** Of yargs 18, without a promise: where it is not there any more, commands are slower and do the same. */
interface YargsInternals {
  readonly getInternalMethods?: () => {
    readonly getUsageInstance?: () => { cacheHelpMessage: () => void };
  };
}

/** Global options whose next word is their value, whatever it looks like. */
const WITH_VALUE = new Set(['--config', '--profile']);

/**
 * Options may stand before the command; which options there are depends on it, so it is moved to the front. It is the
 * first word that is neither an option nor the value of a global one: a profile may be called as a command is.
 */
function commandFirst(argv: readonly string[]): string[] {
  const at = argv.findIndex((word, index) => !word.startsWith('-') && !WITH_VALUE.has(argv[index - 1] ?? ''));
  const word = argv[at];
  if (word === undefined || !commands.some((one) => nameOf(one) === word)) return [...argv];
  return [word, ...argv.slice(0, at), ...argv.slice(at + 1)];
}

function nameOf(command: Command): string {
  return command.command.split(' ')[0] ?? '';
}

interface Registration {
  readonly contextOf: (args: Arguments) => Context;
  readonly addPrepared: (command: Command, parser: Argv) => Argv;
  readonly start: (work: Promise<ExitCode>) => void;
}

function register(parser: Argv, command: Command, registration: Registration): void {
  parser.command(
    command.command,
    command.describe,
    (inner) => {
      for (const [line, meaning] of command.examples) inner.example(line, meaning);
      for (const sub of command.subcommands ?? []) register(inner, sub, registration);
      if (command.subcommands && !command.handler)
        inner.demandCommand(1, `Say what: "opsctl ${nameOf(command)} --help" lists it.`);
      return registration.addPrepared(command, command.options ? command.options(inner) : inner);
    },
    (args) => {
      if (command.handler) registration.start(command.handler(args, registration.contextOf(args)));
    },
  );
}

function contextOf(args: Arguments, argv: readonly string[], system: System, terminal: Terminal): Context {
  const options = globalOptions(args);
  return {
    argv,
    options,
    terminal: options.quiet ? quiet(terminal) : terminal,
    system: options.verbose ? talking(system, terminal) : system,
  };
}

/** Says each program that is run, how long it took and how it ended, as --verbose asks. */
function talking(system: System, terminal: Terminal): System {
  return {
    ...system,
    exec: async (argv, options) => {
      const start = performance.now();
      const result = await system.exec(argv, options);
      const seconds = ((performance.now() - start) / 1000).toFixed(2);
      terminal.warn(printable(`+ ${argv.join(' ')}  [exit ${result.code}, ${seconds} s]`));
      return result;
    },
  };
}

function globalOptions(args: Arguments): GlobalOptions {
  const text = (name: string) =>
    typeof args[name] === 'string' && args[name] !== '' ? (args[name] as string) : undefined;
  return {
    config: text('config'),
    profile: text('profile'),
    json: args.json === true,
    quiet: args.quiet === true,
    verbose: args.verbose === true,
  };
}

/** yargs' own words, with "did you mean" and the name of what is missing where it has none. */
function usage(message: string, parser: Argv, argv: readonly string[]): UsageError {
  const { words, takes } = typedCommand(argv);
  const hint = `"${['opsctl', ...words, '--help'].join(' ')}" shows what there is.`;
  if (message.startsWith('Not enough non-option arguments'))
    return new UsageError(
      `"${['opsctl', ...words].join(' ')}" needs ${takes.join(' and ') || 'more words'}`,
      hint,
    );
  const unknown = /^Unknown (?:argument|command)s?: (.*)$/.exec(message)?.[1];
  if (unknown === undefined) return new UsageError(message, hint);
  const first = unknown.split(', ')[0] ?? unknown;
  const options = Object.keys((parser as unknown as { parsed?: { aliases?: object } }).parsed?.aliases ?? {});
  const names = [...options, ...commands.map(nameOf)];
  return new UsageError(`${message}.${didYouMean(first, names)}`, hint);
}

/** The command that was meant, as its help is asked for, and what it must be given: `cancel`, `<run>`. */
function typedCommand(argv: readonly string[]): { words: string[]; takes: string[] } {
  const command = commands.find((one) => nameOf(one) === argv[0]);
  if (command === undefined) return { words: [], takes: [] };
  // Options may stand between.
  const [second = ''] = argv
    .slice(1)
    .filter((word, index) => !word.startsWith('-') && !WITH_VALUE.has(argv[index] ?? ''));
  const sub = command.subcommands?.find((one) => nameOf(one) === second);
  // What "submit" takes depends on the phase, and its help on that.
  const phase = command.prepare !== undefined && /^[a-z][a-z-]*$/.test(second) ? [second] : [];
  return {
    words: [nameOf(command), ...(sub === undefined ? phase : [nameOf(sub)])],
    takes: (sub ?? command).command.split(' ').filter((word) => word.startsWith('<')),
  };
}

/** `--gpus_per_node` and `--gpus-per-node` are one option; what follows `--` is the trainer's and stays as it is. */
function dashed(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  return argv.map((word, index) => {
    if (end !== -1 && index >= end) return word;
    return word.replace(/^--[A-Za-z0-9_-]+/, (name) => name.replaceAll('_', '-'));
  });
}
