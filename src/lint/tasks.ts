import type { ShellCommand } from '../shell/command.ts';
import { header, nodesOf, type Script } from '../shell/script.ts';

/**
 * How many times srun starts a command: its own `--ntasks`, else the header's, else one or `--ntasks-per-node` for each node.
 * Where they say different things the largest, because srun takes one for a limit of the other. Undefined when it is not known.
 */
export function tasksOf(script: Script, command: ShellCommand): number | undefined {
  const nodes = nodesOf(script);
  const step = command.via.find(({ srun }) => srun)?.srun;
  if (!step) return nodes;
  const asked = (name: string): number | undefined => {
    const own = step.options.find((option) => option.name === name);
    const value = own === undefined ? header(script, name) : own.value;
    return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
  };
  const across = (asked('nodes') ?? nodes ?? 1) * (asked('ntasks-per-node') ?? 1);
  const total = Math.max(asked('ntasks') ?? 0, across);
  return nodes === undefined && total < 2 ? undefined : total;
}
