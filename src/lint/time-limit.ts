import { headerOption } from '../shell/script.ts';
import { formatDuration, parseDuration } from '../slurm/duration.ts';
import type { Rule } from './rule.ts';

export const timeLimit: Rule = {
  id: 'time-limit',
  severity: 'error',
  summary: 'More time than the partition allows (needs a profile of the cluster)',
  applies: 'batch',
  check: (script, { partitions }) => {
    const time = headerOption(script, 'time');
    const wanted = time && parseDuration(time.value);
    const name = headerOption(script, 'partition')?.value;
    const limit = name === undefined ? undefined : partitions.get(name);
    if (!time || wanted === undefined || limit === undefined || wanted <= limit) return [];
    const longest = formatDuration(limit);
    const message = `--time=${time.value} is more than the partition ${name} allows (${longest}): the job waits for ever or is refused.`;
    return [{ at: time.at, message, fix: `#SBATCH --time=${longest}` }];
  },
};
