import { readSlurmOptions, type TypedOption } from '../slurm/options.ts';

/** One `#SBATCH` line. */
export interface Directive {
  /** Offset of its `#` in the text. */
  readonly at: number;
  readonly words: readonly string[];
  readonly options: readonly TypedOption[];
  /** A word that belongs to no option: sbatch then refuses the script. */
  readonly stray: string | undefined;
  /** False below the first command: Slurm does not read it. */
  readonly counts: boolean;
}

const MAGIC = '#SBATCH';

/**
 * The `#SBATCH` lines as sbatch reads them: at the very beginning of a line, down to the first line that is neither
 * empty nor a comment (`_opt_batch_script` in Slurm's src/sbatch/opt.c). `isText` says which offsets are inside a
 * here-document or a quoted string, where a line that looks like one is text.
 */
export function readDirectives(text: string, isText: (offset: number) => boolean): Directive[] {
  const directives: Directive[] = [];
  let counts = true;
  let at = 0;
  while (at < text.length) {
    const end = text.indexOf('\n', at);
    const line = text.slice(at, end === -1 ? text.length : end);
    if (line.startsWith(MAGIC)) {
      if (counts || !isText(at)) directives.push(directive(line, at, counts));
    } else if (counts && !/^\s*(?:#|$)/.test(line)) {
      counts = false;
    }
    if (end === -1) break;
    at = end + 1;
  }
  return directives;
}

function directive(line: string, at: number, counts: boolean): Directive {
  const words = splitWords(line.slice(MAGIC.length));
  const { options, rest } = readSlurmOptions('sbatch', words);
  return { at, words, options, stray: words[rest], counts };
}

/** Quotes group, a backslash takes the next character as it is, `#` begins a comment: `get_argument` of sbatch. */
function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let index = 0; index < line.length; index++) {
    const character = line[index] ?? '';
    if (character === '\\') {
      index += 1;
      word = (word ?? '') + (line[index] ?? '');
    } else if (quote !== '') {
      if (character === quote) quote = '';
      else word = (word ?? '') + character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (character === '#') {
      break;
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + character;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}
