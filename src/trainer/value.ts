import { suggest } from '../terminal/suggest.ts';
import type { Flag } from './flag.ts';

/** What Python's int() and float() read. */
const INT = /^\s*[+-]?\d+(_\d+)*\s*$/;
const FLOAT =
  /^\s*[+-]?((\d+(_\d+)*)?\.?\d+(_\d+)*|\d+(_\d+)*\.)([eE][+-]?\d+(_\d+)*)?\s*$|^\s*[+-]?(inf(inity)?|nan)\s*$/i;
/** As transformers' HfArgumentParser reads booleans, in any case. */
const BOOL = /^(yes|true|t|y|1|no|false|f|n|0)$/i;

/** An optimizer has forty names: nobody reads them in an error. */
const MAX_SHOWN = 12;

export interface ValueProblem {
  /** Behind the value: `is not a whole number`. */
  readonly message: string;
  readonly suggestion: string | null;
}

/** Known only on the node, or to the shell: such a word is not judged. */
export function isOpen(word: string): boolean {
  return word.includes('$') || word.includes('`');
}

/** What is wrong with a value, or undefined. */
export function valueProblem(flag: Flag, value: string): ValueProblem | undefined {
  if (isOpen(value)) return undefined;
  if (flag.choices !== undefined) return choiceProblem(flag.choices, value);
  if (flag.type === 'int' && !INT.test(value))
    return { message: 'is not a whole number', suggestion: wholeNumber(value) };
  if (flag.type === 'float' && !FLOAT.test(value)) return { message: 'is not a number', suggestion: null };
  if (flag.type === 'bool' && !BOOL.test(value))
    return { message: 'is neither true nor false', suggestion: null };
  return undefined;
}

function choiceProblem(choices: readonly string[], value: string): ValueProblem | undefined {
  const isOne = choices.some(
    (choice) => choice === value || (INT.test(value) && choice === String(Number(value))),
  );
  if (isOne) return undefined;
  const shown = choices.slice(0, MAX_SHOWN).join(', ');
  const more = choices.length > MAX_SHOWN ? ` and ${choices.length - MAX_SHOWN} more` : '';
  return { message: `is not one of ${shown}${more}`, suggestion: suggest(value, choices) ?? null };
}

/** `1e6` and `512.0` are whole numbers to a person, and not to Python's int(). */
function wholeNumber(value: string): string | null {
  const number = Number(value);
  return value.trim() !== '' && Number.isSafeInteger(number) ? String(number) : null;
}
