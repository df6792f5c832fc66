import type { Pipeline, Word } from 'unbash';
import type { TypedOption } from '../slurm/options.ts';

/** A word of a command. */
export interface Argument {
  /** Without quotes; expansions stay as they are written. */
  readonly value: string;
  /** Whether the shell changes nothing in it. */
  readonly isLiteral: boolean;
  /** Offset in the file. */
  readonly at: number;
  readonly end: number;
  readonly word: Word;
}

/** Whose shell runs a command: the batch script's own on the first node, or one that srun started on each node. */
export type Place = 'batch' | 'node';

/** One simple command, wherever it stands: in the script, behind a wrapper (`srun …`, `env …`), in a text for a shell. */
export interface ShellCommand {
  /** The program without its directory; '' where it is only known at run time. `python -m X` is `X` where X is a launcher. */
  readonly name: string;
  readonly words: readonly Argument[];
  readonly at: number;
  /** Its last character's offset, plus one. */
  readonly end: number;
  readonly place: Place;
  /** The commands that start it, outermost first: `srun`, then `bash`. */
  readonly via: readonly ShellCommand[];
  /** Whether `&` stands behind it or behind what it is in. */
  readonly isBackground: boolean;
  readonly inLoop: boolean;
  /** In a function, `$( )`, or a text that is kept in a variable: it runs at another time than where it stands. */
  readonly isDeferred: boolean;
  readonly pipeline: Pipeline | undefined;
  /** For srun: its options, and the index in `words` where the command begins. */
  readonly srun: { readonly options: readonly TypedOption[]; readonly rest: number } | undefined;
}

/** A use of a variable. */
export interface Reference {
  readonly name: string;
  readonly at: number;
  readonly place: Place;
  /** The innermost command that it is an argument of. */
  readonly command: ShellCommand | undefined;
  readonly isDeferred: boolean;
}

export interface Assigned {
  readonly name: string;
  readonly at: number;
  readonly end: number;
  /** One word, or the elements of an array. */
  readonly value: Argument | readonly Argument[];
  /** By `export`, or `VAR=x command`. */
  readonly isExported: boolean;
  /** Offset from which on it no longer holds: behind the command it is a prefix of, the subshell or the function it is local to. */
  readonly until: number;
  readonly place: Place;
}

/** Value of the option `name` (`--master_port`): joined by `=` or as the next word. Dashes and underscores are one. */
export function optionOf(command: ShellCommand, ...names: readonly string[]): Argument | undefined {
  const wanted = names.map(plain);
  for (const [index, argument] of command.words.entries()) {
    if (!argument.value.startsWith('-')) continue;
    const equals = argument.value.indexOf('=');
    if (!wanted.includes(plain(equals === -1 ? argument.value : argument.value.slice(0, equals)))) continue;
    if (equals === -1) return command.words[index + 1];
    return { ...argument, value: argument.value.slice(equals + 1) };
  }
  return undefined;
}

function plain(name: string): string {
  return name.replace(/^-+/, '').replaceAll('_', '-');
}

/** Programs that start one process a GPU by themselves. */
const LAUNCHERS = new Set(['torchrun', 'accelerate', 'deepspeed']);

export function isLauncher(command: ShellCommand): boolean {
  return (
    LAUNCHERS.has(command.name) && (command.name !== 'accelerate' || command.words[1]?.value === 'launch')
  );
}

/** What a training starts with: a launcher, python, or srun itself. */
export function isTraining(command: ShellCommand): boolean {
  return isLauncher(command) || ['srun', 'python', 'python3', 'mpirun'].includes(command.name);
}
