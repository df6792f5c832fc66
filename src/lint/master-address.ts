import { type Assigned, optionOf } from '../shell/command.ts';
import { nodesOf } from '../shell/script.ts';
import type { Report, Rule } from './rule.ts';

const LOCAL = /^(?:localhost|127\.0\.0\.1|::1)(?::|$)/;
const FIX = 'MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)';

export const masterAddress: Rule = {
  id: 'master-address',
  severity: 'error',
  summary: 'A master address that is another machine on each node',
  applies: 'batch',
  check: (script) => {
    if ((nodesOf(script) ?? 1) < 2) return [];
    const reports: Report[] = [];
    const say = (at: number, value: string): void => {
      const message = `${value} is another machine on each node: with more than one node the ranks do not find each other.`;
      reports.push({ at, message, fix: FIX });
    };
    for (const { name, at, value, place } of script.assigned) {
      if (!/^(?:MASTER_ADDR|MAIN_PROCESS_IP)$/.test(name) || !('value' in value)) continue;
      // Where it is set to something else as well, this is the branch for one node.
      const isBranch = script.assigned.some((other) => other.name === name && !isLocal(other));
      if (isLocal({ value }) && !isBranch) say(at, value.value);
      else if (place === 'node' && /^(?:\$\(hostname[^|]*\)|\$\{?HOSTNAME\}?)$/.test(value.value))
        say(at, value.value);
    }
    for (const command of script.commands) {
      if (!['torchrun', 'accelerate', 'deepspeed'].includes(command.name)) continue;
      const address = optionOf(command, '--master_addr', '--main_process_ip', '--rdzv_endpoint');
      // A launcher that is told of no other nodes starts a training for each: nobody has to be found.
      const nodes = optionOf(command, '--nnodes', '--num_machines', '--num_nodes')?.value ?? '1';
      if (address && nodes !== '1' && LOCAL.test(address.value)) say(address.at, address.value);
    }
    return reports;
  },
};

function isLocal({ value }: Pick<Assigned, 'value'>): boolean {
  return 'value' in value && LOCAL.test(value.value);
}
