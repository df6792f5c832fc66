import type { ShellCommand } from '../shell/command.ts';
import type { Rule } from './rule.ts';
import { serverName } from './servers.ts';

/** What a script does besides its work. */
const AROUND = new Set(
  '. [ [[ : break cd conda continue cp curl date echo eval exit export hostname local ls mamba mkdir ml module nvidia-smi printf pwd read scontrol set shift sleep source spack test touch trap true ulimit unset wait which'.split(
    ' ',
  ),
);

export const endlessWait: Rule = {
  id: 'endless-wait',
  severity: 'warning',
  summary: 'wait for a server that never ends: the nodes are held until the time limit',
  applies: 'any',
  check: ({ commands }) => {
    const servers = commands.filter((command) => command.isBackground && serverName(command) !== undefined);
    const stops = ['kill', 'pkill', 'killall', 'scancel', 'trap'];
    if (
      commands.some(
        ({ name, words }) => stops.includes(name) || (name === 'ray' && words[1]?.value === 'stop'),
      )
    )
      return [];
    return commands
      .filter(({ name, words, isDeferred }) => name === 'wait' && words.length === 1 && !isDeferred)
      .flatMap((wait) => {
        const server = servers.find(({ at }) => at < wait.at);
        if (!server) return [];
        const what = `wait waits for ${serverName(server)}, which never ends: the nodes are held until the time limit`;
        const onlyServes = !commands.some((command) => isWork(command, servers));
        return [
          {
            at: wait.at,
            ...(onlyServes ? { severity: 'info' as const } : {}),
            message: onlyServes ? `${what}. That is right where serving is all of the job.` : `${what}.`,
            fix: 'wait "$training"; kill "$server"   # after: … & training=$!',
          },
        ];
      });
  },
};

function isWork(command: ShellCommand, servers: readonly ShellCommand[]): boolean {
  if (command.isDeferred || AROUND.has(command.name) || servers.includes(command)) return false;
  // srun, apptainer or nohup before a server.
  return !servers.some(({ via }) => via.includes(command));
}
