import { explain } from './explain.ts';
import { flagOf } from './flag.ts';
import type { Changes, FlagList } from './flag-list.ts';
import { spellings } from './names.ts';
import type { FlagProblem } from './problem.ts';
import { isOpen, valueProblem } from './value.ts';

/** `llamafactory-cli train FILE.yaml key=value …`: a file of settings comes first, instead of flags. */
export function hasSettingsFile(list: FlagList, words: readonly string[], start: number): boolean {
  return list.settings === true && /\.(ya?ml|json)$/.test(words[start] ?? '');
}

/**
 * Finds keys that the program does not have, behind a file of settings.
 * @param words the whole command line; `start` is where the file stands.
 */
export function checkSettings(
  list: FlagList,
  words: readonly string[],
  start: number,
  changes: readonly Changes[],
): FlagProblem[] {
  const problems: FlagProblem[] = [];
  const common = { program: list.program, version: list.version };
  for (let at = start + 1; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const equals = word.indexOf('=');
    const key = equals === -1 ? word : word.slice(0, equals);
    if (isOpen(key)) continue;
    if (word.startsWith('-') || equals < 1) {
      const message = 'is not of the form key=value, which is wanted behind a file of settings';
      const suggestion = word.startsWith('--')
        ? key.slice(2) + (equals === -1 ? '=…' : word.slice(equals))
        : null;
      problems.push({ ...common, kind: 'misplaced', flag: key, message, suggestion, at });
      continue;
    }
    const problem = settingProblem(list, key, changes);
    if (problem) problems.push({ ...common, ...problem, at });
  }
  return problems;
}

/**
 * Finds the lines of a file of settings whose key the program does not have, or whose value is of the wrong type.
 * @param at where the file stands in the command line.
 */
export function checkSettingsText(
  list: FlagList,
  text: string,
  at: number,
  changes: readonly Changes[],
): FlagProblem[] {
  const common = { program: list.program, version: list.version, at };
  return [...text.matchAll(/^(\w+):[ \t]*(.*)$/gm)].flatMap(([, key = '', written = '']) => {
    const problem = settingProblem(list, key, changes) ?? settingValueProblem(list, key, written);
    return problem ? [{ ...common, ...problem }] : [];
  });
}

type Problem = Pick<FlagProblem, 'kind' | 'flag' | 'message' | 'suggestion'>;

function settingValueProblem(list: FlagList, key: string, written: string): Problem | undefined {
  const flag = flagOf(list, `--${key}`);
  const value = written.replace(/\s+#.*$/, '').replace(/^(["'])(.*)\1$/, '$2');
  // Lists, maps, and what is left empty are for the program's own reader.
  if (flag === undefined || value === '' || value === 'null' || /^[[{&*|>]/.test(value)) return undefined;
  const problem = valueProblem(flag, value);
  if (problem === undefined) return undefined;
  return {
    kind: 'value',
    flag: key,
    message: `${JSON.stringify(value)} ${problem.message}`,
    suggestion: problem.suggestion,
  };
}

/** What is wrong with one key of a file of settings, or of `key=value`. */
function settingProblem(list: FlagList, key: string, changes: readonly Changes[]): Problem | undefined {
  const known = spellings({ ...list, dashes: false });
  if (known.has(`--${key}`)) return undefined;
  const { kind, message, suggestion } = explain(list, `--${key}`, known, changes);
  return { kind, flag: key, message, suggestion: suggestion?.slice(2) ?? null };
}
