import { optionOf } from '../shell/command.ts';
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
      if (LOCAL.test(value.value)) say(at, value.value);
      else if (place === 'node' && /^(?:\$\(hostname[^|]*\)|\$\{?HOSTNAME\}?)$/.test(value.value))
        say(at, value.value);
    }
    for (const command of script.commands) {
      if (!['torchrun', 'accelerate', 'deepspeed'].includes(command.name)) continue;
      const address = optionOf(command, '--master_addr', '--main_process_ip', '--rdzv_endpoint');
      const isOne = optionOf(command, '--nnodes', '--num_machines')?.value === '1';
      if (address && !isOne && LOCAL.test(address.value)) say(address.at, address.value);
    }
    return reports;
  },
};
