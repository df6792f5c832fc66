import type { Rule } from './rule.ts';
import { serverName } from './servers.ts';

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
        const message = `wait waits for ${serverName(server)} too, which never ends: the nodes are held until the time limit.`;
        return [{ at: wait.at, message, fix: 'wait "$training"; kill "$server"   # after: … & training=$!' }];
      });
  },
};
