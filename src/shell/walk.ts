import {
  type Assignment,
  type Command,
  forEachChild,
  type HereDoc,
  type ParsedScript,
  type Pipeline,
  parse,
  type SyntaxNode,
  type Word,
} from 'unbash';
import { readSlurmOptions } from '../slurm/options.ts';
import type { Argument, Assigned, Place, Reference, ShellCommand } from './command.ts';
import { type Nested, nestedInHereDoc, nestedInWord, outerOffset } from './nested.ts';
import { pythonModule, shellText, wrappedAt } from './wrapper.ts';

/** Where a piece of shell stands and who runs it. */
interface Around {
  readonly file: string;
  /** The text that the tree's positions count in. */
  readonly source: string;
  readonly offset: (at: number) => number;
  /** In a text that the outer shell has expanded, only an escaped `$` is left for the inner one. */
  readonly isExpanded: boolean;
  readonly place: Place;
  readonly via: readonly ShellCommand[];
  readonly isBackground: boolean;
  readonly inLoop: boolean;
  readonly isDeferred: boolean;
  readonly pipeline: Pipeline | undefined;
  readonly command: ShellCommand | undefined;
  /** Where the subshell ends, and with it what is assigned there; where the function ends, and with it what is local. */
  readonly shellEnd: number;
  readonly functionEnd: number;
}

interface Found {
  readonly commands: ShellCommand[];
  readonly references: Reference[];
  readonly assigned: Assigned[];
}

/** Texts for a shell inside texts for a shell: three are seen in the wild; a limit for what was made to be deep. */
const MAX_DEPTH = 6;
/** In a function these declare what ends with it. */
const LOCAL = new Set(['declare', 'typeset', 'local']);
const EXPORTERS = new Set(['export', 'declare', 'typeset', 'local', 'readonly']);

/** All commands, uses and assignments of variables, in the order of the text. */
export function walk(tree: ParsedScript, text: string): Found {
  const found: Found = { commands: [], references: [], assigned: [] };
  visit(tree, found, {
    file: text,
    source: text,
    offset: (at) => at,
    isExpanded: false,
    place: 'batch',
    via: [],
    isBackground: false,
    inLoop: false,
    isDeferred: false,
    pipeline: undefined,
    command: undefined,
    shellEnd: Number.POSITIVE_INFINITY,
    functionEnd: Number.POSITIVE_INFINITY,
  });
  return found;
}

/** Says whether an offset lies in a here-document or in a quoted string. */
export function textRanges(tree: ParsedScript): (offset: number) => boolean {
  const ranges: { pos: number; end: number }[] = [];
  const collect = (node: SyntaxNode): void => {
    if (node.type === 'HereDocBody' || (node.type === 'Word' && node.end - node.pos > 8)) ranges.push(node);
    forEachChild(node, collect);
  };
  collect(tree);
  return (offset) => ranges.some(({ pos, end }) => pos <= offset && offset < end);
}

function visit(node: SyntaxNode, found: Found, outer: Around): void {
  const around = within(node, outer);
  if (node.type === 'Command') {
    simple(node, found, around);
  } else if (node.type === 'Assignment') {
    assignment(node, found, around, false);
  } else {
    if (node.type === 'SimpleExpansion') reference(node.text.slice(1), node.pos, found, around);
    if (node.type === 'ParameterExpansion') reference(node.parameter, node.pos, found, around);
    if (node.type === 'ArithmeticWord' && !node.parts && /^[A-Za-z_]\w*$/.test(node.value)) {
      reference(node.value, node.pos, found, { ...around, isExpanded: false });
    }
    children(node, found, around);
  }
}

/** What changes for all that is in a node. */
function within(node: SyntaxNode, around: Around): Around {
  switch (node.type) {
    case 'Statement':
      return node.background ? { ...around, isBackground: true } : around;
    case 'While':
    case 'For':
    case 'ArithmeticFor':
      return { ...around, inLoop: true };
    case 'Function':
      return { ...around, isDeferred: true, functionEnd: around.offset(node.end) };
    case 'Subshell':
      return { ...around, shellEnd: around.offset(node.end) };
    case 'Pipeline':
      return { ...around, pipeline: node };
    case 'CommandExpansion':
    case 'ProcessSubstitution': {
      const shellEnd = around.offset(node.end);
      const inside = { ...around, pipeline: undefined, isDeferred: true, isBackground: false, shellEnd };
      // Backquotes with backslashes in them: the parser counts in a text of its own.
      const decoded = node.script?.source;
      const at = around.offset(node.pos);
      return decoded === undefined ? inside : { ...inside, source: decoded, offset: () => at };
    }
    default:
      return around;
  }
}

function children(node: SyntaxNode, found: Found, around: Around): void {
  forEachChild(node, (child) => visit(child, found, around));
}

function reference(name: string, pos: number, found: Found, around: Around): void {
  const at = around.offset(pos);
  if (around.isExpanded && around.file[at - 1] !== '\\') return;
  const { place, command, isDeferred } = around;
  found.references.push({ name, at, place, command, isDeferred });
}

function assignment(
  node: Assignment,
  found: Found,
  around: Around,
  isExported: boolean,
  until = around.shellEnd,
): void {
  const value =
    node.value.type === 'ArrayValue'
      ? node.value.elements.map((word) => argument(word, around))
      : argument(node.value, around);
  const [at, end] = [around.offset(node.pos), around.offset(node.end)];
  found.assigned.push({ name: node.name, at, end, value, isExported, until, place: around.place });
  if (node.value.type === 'Word') keptText(node.value, found, around);
  children(node, found, around);
}

/** `CMD="torchrun … train.py"`: run later, through srun more often than not. */
function keptText(word: Word, found: Found, around: Around): void {
  if (!/^["']\s*(?:\w+=\S+\s+)*(?:srun|torchrun|accelerate|deepspeed|python[0-9.]*)\s/.test(word.text))
    return;
  const nested = around.via.length < MAX_DEPTH ? nestedInWord(word, around.source) : undefined;
  if (nested) inner(nested, found, { ...around, isDeferred: true }, 'node', around.via);
}

function simple(node: Command, found: Found, around: Around): void {
  const words = node.name
    ? [node.name, ...node.args.filter(isWord)].map((word) => argument(word, around))
    : [];
  const at = around.offset(node.pos);
  const outermost = words.length > 0 ? command(words, at, around.offset(node.end), found, around) : undefined;
  const here = { ...around, command: outermost ?? around.command };
  const exports = outermost !== undefined && EXPORTERS.has(outermost.name);
  for (const part of [...node.prefix, ...(node.name ? [node.name] : []), ...node.suffix]) {
    if (part.type === 'Assignment')
      assignment(
        part,
        found,
        here,
        exports || outermost !== undefined,
        untilOf(part, node, outermost, around),
      );
    else visit(part, found, here);
  }
  const last = outermost && found.commands.find((one) => one.at === at && reads(one));
  const documents = node.redirects.filter((part): part is HereDoc => part.type === 'HereDoc');
  if (!last || around.via.length >= MAX_DEPTH) return;
  for (const document of documents) {
    const chain = [...last.via, last];
    inner(nestedInHereDoc(document, around.source), found, around, last.place, chain);
  }
}

/** `IFS=, read -ra x` sets it for `read` alone, `local IFS=,` for the function. */
function untilOf(
  part: Assignment,
  node: Command,
  outermost: ShellCommand | undefined,
  around: Around,
): number {
  if (outermost === undefined) return around.shellEnd;
  if (node.prefix.includes(part)) return around.offset(node.end);
  return LOCAL.has(outermost.name) ? Math.min(around.functionEnd, around.shellEnd) : around.shellEnd;
}

function isWord(part: { type: string }): part is Word {
  return part.type === 'Word';
}

/** Whether a shell that reads its script from standard input is at the end of this command. */
function reads({ name, words }: ShellCommand): boolean {
  return (
    shellText(
      name,
      words.map(({ value }) => value),
    ) === 'stdin'
  );
}

function argument(word: Word, { offset }: Around): Argument {
  return {
    value: word.value,
    isLiteral: !word.parts?.some(changes),
    at: offset(word.pos),
    end: offset(word.end),
    word,
  };
}

function changes(part: SyntaxNode): boolean {
  if (part.type === 'DoubleQuoted') return part.parts.some(changes);
  return !['Literal', 'SingleQuoted', 'AnsiCQuoted'].includes(part.type);
}

/** The command, and the one it wraps, and so on; the outermost is given back. */
function command(
  words: readonly Argument[],
  at: number,
  end: number,
  found: Found,
  around: Around,
): ShellCommand {
  const [first] = words;
  const values = words.map(({ value }) => value);
  const typed = first?.isLiteral ? (first.value.split('/').at(-1) ?? '') : '';
  const module = pythonModule(typed, values);
  const srun =
    typed === 'srun'
      ? readSlurmOptions('srun', values.slice(1), (index) => isOneExpansion(words[index + 1]))
      : undefined;
  const { place, via, isBackground, inLoop, isDeferred, pipeline } = around;
  const one: ShellCommand = {
    name: module?.name ?? typed,
    words: module ? words.slice(module.at) : words,
    at,
    end,
    place,
    via,
    isBackground,
    inLoop,
    isDeferred,
    pipeline,
    srun: srun && { options: srun.options, rest: srun.rest + 1 },
  };
  found.commands.push(one);
  const inside = { ...around, via: [...via, one], place: srun ? ('node' as const) : place };
  const rest = one.srun ? one.srun.rest : wrappedAt(typed, values);
  if (rest !== undefined && rest < words.length && via.length < MAX_DEPTH) {
    command(words.slice(rest), at, end, found, inside);
  }
  const text = shellText(typed, values);
  const nested =
    typeof text === 'number' && words[text] ? nestedInWord(words[text].word, around.source) : undefined;
  if (nested && via.length < MAX_DEPTH) inner(nested, found, around, place, [...via, one]);
  return one;
}

/** `$OPTIONS` or `"${OPTIONS[@]}"`, which may be options of srun; `$DIR/program` is the command. */
function isOneExpansion(word: Argument | undefined): boolean {
  return word !== undefined && !word.isLiteral && /^(?:\$\w+|\$\{[^}]*\})$/.test(word.value);
}

function inner(
  nested: Nested,
  found: Found,
  around: Around,
  place: Place,
  via: readonly ShellCommand[],
): void {
  visit(parse(nested.text), found, {
    ...around,
    source: nested.text,
    offset: (at) => around.offset(outerOffset(nested, at)),
    isExpanded: nested.expanded,
    place,
    via,
    pipeline: undefined,
    isBackground: via.some((one) => one.isBackground),
  });
}
