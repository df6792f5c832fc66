import { assignmentsOf, expandWords } from '../shell/expand-words.ts';
import { checkCommand } from '../trainer/check.ts';
import type { FlagProblem } from '../trainer/problem.ts';
import { LAUNCHERS } from '../trainer/programs.ts';
import type { Report, Rule, Severity } from './rule.ts';
import { type Certainty, certaintyOf, installedVersions } from './trainer-version.ts';

/** More flags in one command that no version has are no slips of the pen, but another program. */
const MAX_SLIPS = 2;

/**
 * An error only where the script, or who asks, says which version it runs. Else what no known version has is a warning when
 * it looks like a slip, and info when it may be a flag of another version.
 */
export const trainerFlag: Rule = {
  id: 'trainer-flag',
  severity: 'error',
  summary: 'A flag that the trainer or its launcher refuses: the job ends after its wait in the queue',
  applies: 'any',
  check: (script, { trainers, trainerVersions }) => {
    const assignments = assignmentsOf(script);
    const installed = installedVersions(script);
    const reports = new Map<string, Report>();
    for (const command of script.commands) {
      const words = expandWords(command.words, assignments, script.text);
      const argv = words.map(({ value }) => value);
      // `python -m torch.distributed.run` has lost its first words when it gets here.
      if (command.name === 'torchrun') argv[0] = 'torchrun';
      if (command.name === 'accelerate' && argv[0]?.includes('.')) argv[0] = 'accelerate-launch';
      const { programs, problems } = checkCommand(argv, trainers, { versions: trainerVersions });
      for (const problem of problems.filter((one) => !isToBeFilledIn(one, argv))) {
        const program = programs.find((one) => one.program === problem.program);
        const list = trainers.lists(problem.program).find(({ version }) => version === problem.version);
        if (!program || !list) continue;
        const certainty = certaintyOf(list, trainerVersions, installed);
        // A checkout may be a fork, and so is what has several flags that nobody knows.
        const unknown = problems.filter((one) => one.program === problem.program && one.kind === 'unknown');
        const isFork = program.isFile || unknown.length > MAX_SLIPS;
        const severity = severityOf(problem, certainty, program.certain, isFork);
        const at = problem.at === null ? command.at : (words[problem.at]?.at ?? command.at);
        if (severity) reports.set(`${at} ${problem.flag}`, report(at, severity, problem, certainty));
      }
    }
    return [...reports.values()];
  },
};

/** A value such as `{NUM_GPUS}`, which stands in documentation for what its reader will write. */
function isToBeFilledIn({ kind, at }: FlagProblem, argv: readonly string[]): boolean {
  if (kind !== 'value' || at === null) return false;
  return [argv[at]?.replace(/^[^=]*=/, ''), argv[at + 1]].some((word) => /^[{<[]\w+[}>\]]$/.test(word ?? ''));
}

/** Undefined where nothing is said: a false alarm costs more than the finding is worth. */
function severityOf(
  { kind, flag, suggestion, program }: FlagProblem,
  certainty: Certainty,
  isProgramCertain: boolean,
  isFork: boolean,
): Severity | undefined {
  if (certainty === 'known') return isProgramCertain ? 'error' : 'warning';
  const isSlip = kind === 'unknown' && suggestion !== null;
  if (certainty === 'other' || !isProgramCertain) return isSlip && !isFork ? 'info' : undefined;
  const isLauncher = LAUNCHERS.some(({ name }) => name === program);
  switch (kind) {
    case 'unknown':
      return (isSlip && !isFork) || isLauncher ? 'warning' : 'info';
    case 'misplaced':
      return flag.startsWith('-') ? 'warning' : undefined;
    case 'missing':
      return undefined;
    case 'value':
      return isLauncher ? 'warning' : 'info';
    default:
      return 'info';
  }
}

function report(
  at: number,
  severity: Severity,
  { program, version, flag, message, suggestion }: FlagProblem,
  certainty: Certainty,
): Report {
  const instead = suggestion === null ? '' : ` Did you mean "${suggestion}"?`;
  const unsure = {
    known: '',
    other: ' The script installs another version.',
    open: ' The script does not say which version it runs.',
  }[certainty];
  const fix =
    certainty === 'known'
      ? `Leave ${flag} out.`
      : `opsctl lint --trainer-version ${program}=${version} FILE   # where it is that one`;
  return {
    at,
    severity,
    message: `${flag}: ${program} ${version}: ${message}.${instead}${unsure}`,
    fix: suggestion ?? fix,
  };
}
