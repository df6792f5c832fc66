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
    return script.commands
      .filter((command) => command.name === 'tee' && command.pipeline !== undefined)
      .flatMap((tee) => {
        const trained = script.commands.find((one) => one.pipeline === tee.pipeline && isTraining(one));
        if (!trained || isSafe(script, tee)) return [];
        const message = `Without pipefail the exit code is tee’s: when ${trained.name} fails the job goes on, and ends as COMPLETED.`;
        return [{ at: tee.at, message, fix: 'set -o pipefail' }];
      });
  },
};

/** Whether pipefail is set in the shell that has the pipeline. */
function isSafe(script: Script, tee: ShellCommand): boolean {
  const shell = tee.via.at(-1);
  if (shell ? shell.words.some(({ value }) => value === 'pipefail') : /pipefail/.test(script.shebang ?? ''))
    return true;
  return script.commands.some(
    ({ name, words, via }) =>
      (name === 'set' || name === 'shopt') &&
      via.at(-1) === shell &&
      words.some(({ value }) => value === 'pipefail'),
  );
}
