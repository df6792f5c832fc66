import { type ParsedScript, parse } from 'unbash';
import type { Assigned, Reference, ShellCommand } from './command.ts';
import { type Directive, readDirectives } from './directives.ts';
import { textRanges, walk } from './walk.ts';

/** A batch script or launcher, read and understood; nothing in it is run. */
export interface Script {
  readonly file: string;
  readonly text: string;
  readonly shebang: string | undefined;
  /** False for another language (`#!/usr/bin/python`): then only its `#SBATCH` lines are known. */
  readonly isShell: boolean;
  /** Whether it has `#SBATCH` lines. */
  readonly isBatch: boolean;
  readonly directives: readonly Directive[];
  readonly tree: ParsedScript;
  readonly commands: readonly ShellCommand[];
  readonly references: readonly Reference[];
  readonly assigned: readonly Assigned[];
  /** Offset inside a here-document or a string of several lines. */
  readonly isText: (offset: number) => boolean;
}

/** Takes any text; what is no bash gives a part of a tree and its errors. Does not throw. */
export function readScript(file: string, text: string): Script {
  const shebang = /^#!(.*)/.exec(text)?.[1]?.trim();
  const isShell = shebang === undefined || /\b(?:ba|da|z|k)?sh\b/.test(shebang);
  const tree = parse(isShell ? text : '');
  const isText = textRanges(tree);
  const directives = readDirectives(text, isText);
  return {
    file,
    text,
    shebang,
    isShell,
    isBatch: directives.length > 0,
    directives,
    tree,
    isText,
    ...walk(tree, text),
  };
}

/** The value that counts of an sbatch option in the header: the last one. Undefined when it is not there. */
export function header(script: Script, ...names: readonly string[]): string | undefined {
  return headerOption(script, ...names)?.value;
}

/** As `header`, with the line it stands on; for an option without a value `value` is ''. */
export function headerOption(
  script: Script,
  ...names: readonly string[]
): { value: string; at: number } | undefined {
  let found: { value: string; at: number } | undefined;
  for (const { counts, options, at } of script.directives) {
    if (!counts) continue;
    for (const option of options) if (names.includes(option.name)) found = { value: option.value ?? '', at };
  }
  return found;
}

/** Nodes that the header asks for; undefined when it does not say, or gives a range. */
export function nodesOf(script: Script): number | undefined {
  const value = header(script, 'nodes');
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
}

/** GPUs a node: `--gpus-per-node=a100:8`, `--gres=gpu:8`. */
export function gpusOf(script: Script): number | undefined {
  const perNode = header(script, 'gpus-per-node')?.match(/^(?:\w+:)?(\d+)$/)?.[1];
  const gres = header(script, 'gres')?.match(/(?:^|,)gpu:(?:[\w-]+:)?(\d+)(?:\(|,|$)/)?.[1];
  const text = perNode ?? gres;
  return text === undefined ? undefined : Number(text);
}
