import { parseArguments } from './argparse.ts';
import type { Changes, FlagList } from './flag-list.ts';
import { checkOverrides } from './hydra.ts';
import { identify } from './identify.ts';
import { spellings } from './names.ts';
import type { FlagProblem } from './problem.ts';
import { isServer } from './programs.ts';
import { checkSettings, checkSettingsText, hasSettingsFile } from './settings.ts';

/** What is known of programs: the lists, newest version first, and what became of a framework's flags. */
export interface Knowledge {
  readonly lists: (program: string) => readonly FlagList[];
  readonly changes: (framework: string) => Changes | undefined;
}

/** What the caller knows better than the command line says. */
export interface Choice {
  /** The program that trains: `trl-sft`. Without it, it is told from its module, script or command. */
  readonly program?: string | undefined;
  /** Its version. Without it a flag is right when any known version has it. */
  readonly version?: string | undefined;
  /** Versions of launchers and trainers, by program, that whoever asks has named. */
  readonly versions?: ReadonlyMap<string, string> | undefined;
  /** The text of a file of settings that the command line names, where it is known: a script may write it itself. */
  readonly fileText?: (path: string) => string | undefined;
}

export interface CommandCheck {
  /** Launcher and trainer, as far as they are known. */
  readonly programs: readonly {
    readonly program: string;
    /** The version that the problems are about: the one given, or the one with the fewest. */
    readonly version: string;
    /** False where other programs are started under the same name. */
    readonly certain: boolean;
    /** Whether it is a file of a checkout, which may have been changed. */
    readonly isFile: boolean;
  }[];
  readonly problems: readonly FlagProblem[];
}

/**
 * Checks the flags of one command line, those of the launcher and of the trainer. Pure.
 *
 * Silent about what it cannot know: a program without a list, a word with `$` in it, what stands behind `"${args[@]}"`
 * and a program whose version is not given as long as any known version takes the words.
 * @param argv the words as bash would pass them on; what only the node knows stands as `$NAME`.
 */
export function checkCommand(
  argv: readonly string[],
  knowledge: Knowledge,
  choice: Choice = {},
): CommandCheck {
  const found = identify(argv, (program) => knowledge.lists(program)[0]);
  // What serves a trainer is itself whatever the template says of its trainer.
  const isDeclared =
    choice.program !== undefined && found.arguments !== undefined && !isServer(found.trainer?.program);
  const trainer = isDeclared
    ? {
        ...found.trainer,
        program: choice.program,
        certain: true,
        isFile: false,
        start: found.arguments,
        end: argv.length,
      }
    : found.trainer;
  const segments = [found.launcher, trainer].filter((segment) => segment !== undefined);
  const checked = segments.flatMap((segment) => {
    const isTrainer = segment.program === (choice.program ?? found.trainer?.program);
    const version = choice.versions?.get(segment.program) ?? (isTrainer ? choice.version : undefined);
    const lists = knowledge
      .lists(segment.program)
      .filter((list) => version === undefined || list.version === version);
    const words = argv.slice(0, segment.end);
    const [best] = lists
      .map((list) => ({ list, problems: checkWords(list, words, segment.start, knowledge, choice) }))
      .sort((a, b) => a.problems.length - b.problems.length);
    if (best === undefined) return [];
    const isHandedOn = handedOn(segment.launcher, knowledge);
    return [{ ...best, problems: best.problems.filter((one) => !isHandedOn(one)), segment }];
  });
  const problems = checked.flatMap(({ list, problems }) =>
    problems.map((problem) =>
      elsewhere(
        problem,
        checked.map((one) => one.list).filter((other) => other !== list),
      ),
    ),
  );
  return {
    programs: checked.map(({ list, segment: { certain, isFile } }) => ({
      program: list.program,
      version: list.version,
      certain,
      isFile,
    })),
    problems,
  };
}

/** `trl sft --num_processes 4 --accelerate_config zero3`: what the trainer does not know goes to the launcher (trl/cli/commands/training.py). */
function handedOn(launcher: string | undefined, knowledge: Knowledge): (problem: FlagProblem) => boolean {
  const [list] = launcher === undefined ? [] : knowledge.lists(launcher);
  if (list === undefined) return () => false;
  const known = spellings(list);
  return ({ kind, flag }) => kind === 'unknown' && (known.has(flag) || flag === '--accelerate_config');
}

function checkWords(
  list: FlagList,
  words: readonly string[],
  start: number,
  knowledge: Knowledge,
  { fileText }: Choice,
): readonly FlagProblem[] {
  if (list.syntax === 'hydra') return checkOverrides(list, words, start);
  const changes = Object.keys(list.frameworks ?? {})
    .map(knowledge.changes)
    .filter((change) => change !== undefined);
  if (hasSettingsFile(list, words, start)) {
    const text = fileText?.(words[start] ?? '') ?? '';
    return [...checkSettingsText(list, text, start, changes), ...checkSettings(list, words, start, changes)];
  }
  return parseArguments(list, words, start, changes).problems;
}

/** A launcher's flag behind the script, or a trainer's before it, is said to be that. */
function elsewhere(problem: FlagProblem, others: readonly FlagList[]): FlagProblem {
  if (problem.kind !== 'unknown') return problem;
  const owner = others.find((list) => spellings(list).has(problem.flag));
  if (owner === undefined) return problem;
  const where = owner.positionals === 'script' ? 'before the script' : 'behind the script';
  return {
    ...problem,
    kind: 'misplaced',
    message: `is a flag of ${owner.program}, and belongs ${where}`,
    suggestion: null,
  };
}
