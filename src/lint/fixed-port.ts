import { optionOf } from '../shell/command.ts';
import { gpusOf, headerOption } from '../shell/script.ts';
import type { Report, Rule } from './rule.ts';

const FIX = 'export MASTER_PORT=$((12000 + SLURM_JOB_ID % 20000))';
const VARIABLE = /^(?:MASTER_PORT|MAIN_PROCESS_PORT|RDZV_PORT|HEAD_NODE_PORT)$/;
const A_NODE_IS_8 = 8;

export const fixedPort: Rule = {
  id: 'fixed-port',
  severity: 'warning',
  summary: 'A fixed rendezvous port or id: two jobs on a node meet there',
  applies: 'any',
  check: (script) => {
    const { assigned, commands } = script;
    // Alone on its nodes a job meets others' leftovers only.
    const alone = headerOption(script, 'exclusive') !== undefined || (gpusOf(script) ?? 0) >= A_NODE_IS_8;
    const severity = alone || !script.isBatch ? ('info' as const) : ('warning' as const);
    const reports: Report[] = [];
    const say = (at: number, message: string, fix: string): void => {
      reports.push({ at, severity, message, fix });
    };
    for (const { name, at, value } of assigned)
      if (VARIABLE.test(name) && 'value' in value && isPort(value.value))
        say(
          at,
          `Port ${value.value} is the same for every job: the second one on the node cannot bind it.`,
          FIX,
        );
    for (const command of commands) {
      if (!['torchrun', 'accelerate', 'deepspeed'].includes(command.name)) continue;
      const port = optionOf(command, '--master_port', '--main_process_port');
      if (port && isPort(port.value))
        say(port.at, `Port ${port.value} is the same for every job.`, '--master_port "$MASTER_PORT"');
      const endpoint = optionOf(command, '--rdzv_endpoint');
      const fixed = endpoint && /:(\d{2,5})$/.exec(endpoint.value)?.[1];
      if (endpoint && fixed !== undefined && fixed !== '0' && !/^(?:localhost|127\.)/.test(endpoint.value))
        say(
          endpoint.at,
          `Port ${fixed} is the same for every job.`,
          '--rdzv_endpoint "$MASTER_ADDR:$MASTER_PORT"',
        );
      const id = optionOf(command, '--rdzv_id');
      if (id?.isLiteral && id.value !== '' && command.words[0] !== id)
        say(id.at, `The rendezvous id "${id.value}" is the same for every job.`, '--rdzv_id "$SLURM_JOB_ID"');
    }
    return reports;
  },
};

function isPort(value: string): boolean {
  return /^[1-9]\d{1,4}$/.test(value);
}
