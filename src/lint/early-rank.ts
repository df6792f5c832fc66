import type { Reference } from '../shell/command.ts';
import { nodesOf } from '../shell/script.ts';
import type { Rule } from './rule.ts';

const OF_A_TASK = new Set(['SLURM_PROCID', 'SLURM_NODEID', 'SLURM_LOCALID']);
/** Shows it only. */
const HARMLESS = new Set(['echo', 'printf', '[', '[[', 'test', 'unset']);

export const earlyRank: Rule = {
  id: 'early-rank',
  severity: 'error',
  summary: '$SLURM_PROCID and the like expanded in the batch shell, where they are always 0',
  applies: 'batch',
  check: (script) => {
    const exported = script.commands.some(
      ({ name, words }) =>
        (name === 'export' || name === 'declare') && words.some(({ value }) => /^-[a-z]*f$/.test(value)),
    );
    // A script that its own srun starts again runs on the nodes as well.
    const again = script.commands.some(
      ({ srun, words }) => srun && words.some(({ value }) => /^\$\{?(?:0\b|BASH_SOURCE)/.test(value)),
    );
    if (again || nodesOf(script) === 1) return [];
    return script.references
      .filter(({ name, place }) => OF_A_TASK.has(name) && place === 'batch')
      .filter(({ isDeferred }) => !(exported && isDeferred))
      .map((reference) => ({
        at: reference.at,
        ...(isShown(reference) ? { severity: 'info' as const } : {}),
        message: `$${reference.name} is expanded in the batch shell, before srun: it is 0 on every node.`,
        fix: `srun bash -c '… \${${reference.name}} …'   # single quotes: each node expands it`,
      }));
  },
};

function isShown({ command }: Reference): boolean {
  return command !== undefined && HARMLESS.has(command.name);
}
