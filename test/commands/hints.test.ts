import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import yargs from 'yargs';
import type { Command } from '../../src/commands/command.ts';
import { commands } from '../../src/commands/index.ts';

const GLOBAL = ['config', 'profile', 'json', 'quiet', 'verbose', 'help', 'version'];

const SANDBOX = ['sandbox up', 'sandbox down', 'sandbox status', 'sandbox env', 'sandbox inject'];

/**
 * A room below the commands does not know which of them was typed, and a parameter comes from a recipe, a pipeline or --set
 * as well: its errors name a parameter as all of these do, without dashes. Where they name a flag all the same, it is one of
 * every command that prints them.
 */
const PRINTED_BY: Record<string, readonly string[]> = {
  'config/init.ts': ['init'],
  'config/merge.ts': ['init'],
  'health/data-stat.ts': ['data stat'],
  'run/logs.ts': ['logs'],
  'run/ready.ts': ['submit', 'rerun', 'pipeline submit', 'pipeline resume'],
  'run/turn.ts': ['submit'],
  'runbook/show.ts': ['runbook show'],
  'sandbox/down.ts': ['sandbox down'],
  'sandbox/inject.ts': ['sandbox inject'],
  'sandbox/place.ts': SANDBOX,
  'sandbox/sandbox.ts': SANDBOX,
  'sandbox/up.ts': ['sandbox up'],
  'template/resolve.ts': ['submit', 'render', 'config', 'rerun', 'preflight', 'runbook run'],
};

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ file: name, hints: hintsOf(readFileSync(join('src', name), 'utf8')) }));

/** Each command that runs, such as `pipeline resume`, with its options. */
const optionsByCommand = new Map(commands.flatMap((command) => named(command)));

function named(command: Command, above = ''): [string, ReadonlySet<string>][] {
  const name = `${above}${command.command.split(' ')[0] ?? ''}`;
  const own: [string, ReadonlySet<string>][] = command.handler ? [[name, optionsOf(command)]] : [];
  return [...own, ...(command.subcommands ?? []).flatMap((sub) => named(sub, `${name} `))];
}

function optionsOf(command: Command): Set<string> {
  const parser = yargs([]).parserConfiguration({ 'boolean-negation': false, 'camel-case-expansion': false });
  command.options?.(parser);
  const { key } = (parser as unknown as { getOptions: () => { key: object } }).getOptions();
  return new Set([...GLOBAL, ...Object.keys(key)]);
}

/** The texts of an error, and of the repair beside a verdict, that name a flag. */
function hintsOf(text: string): string[] {
  const errors = [...text.matchAll(/new (?:UsageError|OpsError|NotReady)\(|super\(message|critical\(/g)].map(
    ({ index }) => text.slice(index, text.indexOf(');', index)),
  );
  const beside = [...text.matchAll(/\b(?:hint|fix): [^\n]*/g)].map(([part]) => part);
  const literals = [...errors, ...beside].flatMap((part) => part.match(/'[^'\n]*'|`[^`]*`/g) ?? []);
  return [...new Set(literals)].filter((literal) => literal.includes('--'));
}

const flagsIn = (text: string): string[] =>
  [...text.matchAll(/(?<![\w=-])--([a-z][a-z-]*)/g)].map(([, name]) => name ?? '');

/** From `opsctl` to the end of the quotation, or of the text. */
const COMMAND_LINE = /\bopsctl (?=[a-z])[^"]*/g;
/** Another program's flags stand behind its name. */
const OTHERS = /\b(?:srun|sbatch|squeue|sinfo|sacct|scontrol|apt-get|systemctl|git|pip)\b[^"]*/g;

const bareFlags = (hint: string): string[] => flagsIn(hint.replace(COMMAND_LINE, '').replace(OTHERS, ''));

describe('a hint', () => {
  it('of a room below the commands names no flag but those of every command that prints it', () => {
    const said = sources
      .filter(({ file }) => !/^(?:commands|lint)\//.test(file) && file.includes('/'))
      .flatMap(({ file, hints }) => hints.flatMap(bareFlags).map((flag) => ({ file, flag })))
      .filter(({ flag }) => !GLOBAL.includes(flag));
    expect([...new Set(said.map(({ file }) => file))].sort()).toEqual(Object.keys(PRINTED_BY));
    const missing = said.flatMap(({ file, flag }) =>
      (PRINTED_BY[file] ?? [])
        .filter((name) => !optionsByCommand.get(name)?.has(flag))
        .map((name) => `${file}: ${name} has no --${flag}`),
    );
    expect(missing).toEqual([]);
  });

  it('of a command names flags of its own', () => {
    const odd = sources
      .filter(({ file }) => file.startsWith('commands/'))
      .flatMap(({ file, hints }) => {
        const word = file.slice('commands/'.length).split(/[-.]/)[0] ?? '';
        const flags = [...optionsByCommand]
          .filter(([name]) => name.split(' ')[0] === word || word === 'run')
          .flatMap(([, options]) => [...options]);
        return hints.filter((hint) => bareFlags(hint).some((flag) => !flags.includes(flag)));
      });
    expect(odd).toEqual([]);
  });

  it('that is a command line has a command that there is, with flags of its own', () => {
    const odd = sources.flatMap(({ file, hints }) =>
      hints
        .flatMap((hint) => hint.slice(1, -1).match(COMMAND_LINE) ?? [])
        .filter((line) => {
          const [, word = '', sub = ''] = line.split(/\s+/);
          const options = optionsByCommand.get(`${word} ${sub}`) ?? optionsByCommand.get(word);
          return options === undefined || flagsIn(line).some((flag) => !options.has(flag));
        })
        .map((line) => `${file}: ${line}`),
    );
    expect(odd).toEqual([]);
  });
});
