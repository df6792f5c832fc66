import type { Argv } from 'yargs';
import type { ExitCode } from '../errors.ts';
import type { System } from '../system/system.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** The flags that every command has. */
export interface GlobalOptions {
  readonly config: string | undefined;
  readonly profile: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

/** What a command's handler is given. */
export interface Context {
  readonly system: System;
  readonly terminal: Terminal;
  readonly options: GlobalOptions;
  /** Everything after the program's name, as typed: for builders whose options depend on a positional. */
  readonly argv: readonly string[];
}

/** Arguments as yargs hands them over: read them with the helpers of this file. */
export type Arguments = Readonly<Record<string, unknown>>;

export interface Command {
  /** In yargs' notation: `submit <phase>`. */
  readonly command: string;
  readonly describe: string;
  /** At least two, each a command line and what it does. */
  readonly examples: readonly (readonly [string, string])[];
  readonly options?: (parser: Argv) => Argv;
  /** For a command whose options are in a file: reads it before the command line is parsed, and gives what adds them. */
  readonly prepare?: (context: Pick<Context, 'system' | 'argv'>) => Promise<(parser: Argv) => Argv>;
  readonly subcommands?: readonly Command[];
  /** Imports its work lazily, so that --help pays for the parser only. */
  readonly handler?: (args: Arguments, context: Context) => Promise<ExitCode>;
}

export function text(args: Arguments, name: string): string | undefined {
  const value = args[name];
  // yargs makes a list of an option given twice: the last one wins, as everywhere on a command line.
  const last = Array.isArray(value) ? value.at(-1) : value;
  return last === undefined || last === null ? undefined : String(last);
}

export function texts(args: Arguments, name: string): string[] {
  const value = args[name];
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value.map(String) : [String(value)];
}

export function flag(args: Arguments, name: string): boolean {
  return args[name] === true;
}

/** One JSON document on standard output. */
export function printJson(terminal: Terminal, document: unknown): void {
  terminal.out(JSON.stringify(document, undefined, 2));
}
