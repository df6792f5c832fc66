import { UsageError } from '../errors.ts';
import type { System } from '../system/system.ts';
import type { Template } from '../template/load.ts';
import type { ParameterValue } from '../template/parameter.ts';
import { checkCommand, type Knowledge } from '../trainer/check.ts';
import { loadKnowledge, versionsOf } from '../trainer/knowledge.ts';
import type { FlagProblem } from '../trainer/problem.ts';
import { trainerCommands } from './commands.ts';
import { straightCommands } from './expand.ts';
import { type Plan, type PlanInput, valuesOf } from './plan.ts';

/** The program that a run trains with, and the version whose flags it was checked against. */
export interface TrainerProgram {
  readonly program: string;
  readonly version: string;
}

export interface FlagCheck {
  /** Null for a template that names no program. */
  readonly trainer: TrainerProgram | null;
  /** Sentences to show: flags that are let through, or what was not checked. */
  readonly warnings: readonly string[];
}

/**
 * The program of a template and its version: the user's, else the one it was written for.
 * @throws UsageError for a version that there is no list of.
 */
export function trainerProgram(
  env: System['env'],
  { front, trainer }: Pick<Template, 'front' | 'trainer'>,
  values: Readonly<Record<string, ParameterValue>>,
): TrainerProgram | undefined {
  const chosen = values.trainer_version;
  const { program } = front;
  const version = typeof chosen === 'string' ? chosen : front.version;
  if (program === undefined || version === undefined) {
    if (typeof chosen !== 'string') return undefined;
    throw new UsageError(
      `trainer_version: the template of ${trainer} names no program, so it has no versions`,
    );
  }
  const known = versionsOf(env, program);
  if (known.includes(version)) return { program, version };
  if (typeof chosen !== 'string' && known.length === 0) return { program, version };
  throw new UsageError(
    `trainer_version: there is no flag list of ${program} ${version}. Known: ${known.join(', ') || 'none'}`,
    `Add it from the program's own words: opsctl trainers add ${program} ${version} --from FILE`,
  );
}

/**
 * Checks every command line that the script would start on a node, before anything is submitted.
 * @throws UsageError (exit 64) with everything that the trainer or its launcher would refuse, each with its place.
 */
export async function checkFlags(system: System, plan: Plan, input: PlanInput): Promise<FlagCheck> {
  const values = valuesOf(plan.parameters);
  const trainer = trainerProgram(system.env, input.template, values);
  const done = { trainer: trainer ?? null };
  if (values.flag_check === 'off') return { ...done, warnings: ['not checked, because flag_check is off'] };
  const knowledge = await loadKnowledge(system.env);
  const lists = trainer ? knowledge.lists(trainer.program) : [];
  const commands = await commandLines(system, plan.script, Number(values.nodes));
  const problems = commands.flatMap((argv) => problemsOf(argv, plan.script, knowledge, trainer, input));
  const unknown =
    trainer && lists.length === 0
      ? [`not checked, because there is no flag list of ${trainer.program}; see "opsctl trainers add --help"`]
      : [];
  if (problems.length === 0) return { ...done, warnings: unknown };
  if (values.flag_check === 'warning') return { ...done, warnings: [...unknown, ...problems] };
  throw new UsageError(
    `a program would refuse its flags, so nothing was done:\n  ${problems.join('\n  ')}`,
    hintFor(input),
  );
}

/** Not every phase has both parameters. */
function hintFor({ template }: Pick<PlanInput, 'template'>): string {
  const has = (name: string) => template.parameters.some((parameter) => parameter.name === name);
  const ways = [
    ...(has('trainer_version') ? ['trainer_version (see "opsctl trainers")'] : []),
    '"opsctl trainers add"',
    ...(has('flag_check') ? ['flag_check: warning'] : []),
  ];
  const last = ways.pop();
  return `If it is newer than the list: ${[...(ways.length > 0 ? [ways.join(', ')] : []), last].join(', or ')}.`;
}

/**
 * The command lines of the training, and of the server beside it where one runs. Straight text is read here; what has
 * conditions is expanded by bash.
 */
async function commandLines(
  system: System,
  script: string,
  nodes: number,
): Promise<readonly (readonly string[])[]> {
  const bodies = [...script.matchAll(/^(?:launch\(\) \{\n|serve\(\) \{\n(?= {2}exec ))([\s\S]*?)\n\}$/gm)];
  const straight = bodies.map(([, body = '']) => straightCommands(body));
  if (straight.every((commands) => commands !== undefined)) return straight.flat();
  return (await trainerCommands(system, script, nodes)).map(({ argv }) => argv);
}

function problemsOf(
  argv: readonly string[],
  script: string,
  knowledge: Knowledge,
  trainer: TrainerProgram | undefined,
  { trainerFlags, template }: PlanInput,
): string[] {
  const { problems } = checkCommand(argv, knowledge, {
    ...trainer,
    fileText: (path) => writtenText(script, path),
  });
  const own = rangeOf(argv, trainerFlags);
  return problems.map((problem) => {
    const isTyped = problem.at !== null && problem.at >= own.from && problem.at < own.to;
    return sentence(problem, isTyped ? 'after "--"' : `in ${template.main.path}`);
  });
}

/** A file that the script writes from its own text, as it stands on the command line: `$RUN_DIR/settings.yaml`. */
function writtenText(script: string, path: string): string | undefined {
  const start = script.indexOf(`cat >"${path}" <<'YAML'\n`);
  if (start === -1) return undefined;
  const text = script.slice(script.indexOf('\n', start) + 1);
  return text.slice(0, text.indexOf('\nYAML\n') + 1);
}

/** Where the user's own flags stand in the command line: as one piece. */
function rangeOf(argv: readonly string[], words: readonly string[]): { from: number; to: number } {
  if (words.length === 0) return { from: 0, to: 0 };
  for (let from = argv.length - words.length; from >= 0; from -= 1)
    if (words.every((word, index) => argv[from + index] === word)) return { from, to: from + words.length };
  return { from: 0, to: 0 };
}

function sentence({ program, version, flag, message, suggestion }: FlagProblem, place: string): string {
  const instead = suggestion === null ? '' : `. Did you mean ${suggestion}?`;
  return `${flag} (${place}): ${program} ${version}: ${message}${instead}`;
}
