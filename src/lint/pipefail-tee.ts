import type { ShellCommand } from '../shell/command.ts';
import { isTraining } from '../shell/command.ts';
import type { Script } from '../shell/script.ts';
import type { Rule } from './rule.ts';

export const pipefailTee: Rule = {
  id: 'pipefail-tee',
  severity: 'warning',
  summary: '| tee without pipefail: a failed training ends as success',
  applies: 'any',
  check: (script) => {
    if (/PIPESTATUS/.test(script.text)) return [];
    const setters = shellsWithPipefail(script);
    // By pipeline, from the last to the first, so that the first is the one that stays.
    const trainings = new Map(
      script.commands
        .filter(isTraining)
        .reverse()
        .map((command) => [command.pipeline, command]),
    );
    return script.commands
      .filter((command) => command.name === 'tee' && command.pipeline !== undefined)
      .flatMap((tee) => {
        const trained = trainings.get(tee.pipeline);
        if (!trained || isSafe(script, tee, setters)) return [];
        const message = `Without pipefail the exit code is tee’s: when ${trained.name} fails the job goes on, and ends as COMPLETED.`;
        return [{ at: tee.at, message, fix: 'set -o pipefail' }];
      });
  },
};

/** Whether pipefail is set in the shell that has the pipeline. */
function isSafe(
  script: Script,
  tee: ShellCommand,
  setters: ReadonlySet<ShellCommand['via'][number] | undefined>,
): boolean {
  const shell = tee.via.at(-1);
  if (shell ? shell.words.some(({ value }) => value === 'pipefail') : /pipefail/.test(script.shebang ?? ''))
    return true;
  return setters.has(shell);
}

function shellsWithPipefail({ commands }: Script): ReadonlySet<ShellCommand['via'][number] | undefined> {
  const setters = commands.filter(
    ({ name, words }) =>
      (name === 'set' || name === 'shopt') && words.some(({ value }) => value === 'pipefail'),
  );
  return new Set(setters.map(({ via }) => via.at(-1)));
}
