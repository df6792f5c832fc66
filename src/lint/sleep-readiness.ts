import type { Rule } from './rule.ts';
import { serverName } from './servers.ts';

export const sleepReadiness: Rule = {
  id: 'sleep-readiness',
  severity: 'warning',
  summary: 'sleep and hope: a server may not be up after a fixed time',
  applies: 'any',
  check: ({ commands }) => {
    const polls = commands.some(
      ({ name, inLoop, words }) =>
        inLoop &&
        (['curl', 'wget', 'nc'].includes(name) ||
          (name === 'ray' && ['status', 'health-check', 'list'].includes(words[1]?.value ?? ''))),
    );
    if (polls) return [];
    return commands
      .filter(
        ({ name, words, inLoop }) =>
          !inLoop && name === 'sleep' && /^\d+(?:\.\d+)?[smh]?$/.test(words[1]?.value ?? ''),
      )
      .flatMap((sleep) => {
        const server = commands.findLast(
          (one) =>
            one.at < sleep.at &&
            (serverName(one) !== undefined || (one.name === 'ray' && one.words[1]?.value === 'start')),
        );
        if (!server) return [];
        const isRay = server.name === 'ray';
        const message = `After a sleep of ${sleep.words[1]?.value} ${isRay ? 'Ray' : serverName(server)} may not be ready: ask until it is, with a limit.`;
        const probe = isRay ? 'ray status' : 'curl -fs localhost:8000/health';
        return [{ at: sleep.at, message, fix: `timeout 600 bash -c 'until ${probe}; do sleep 2; done'` }];
      });
  },
};
