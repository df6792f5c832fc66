import { headerOption } from '../shell/script.ts';
import type { Rule } from './rule.ts';

/** Slurm's own resolution: a signal can come up to this many seconds early (sbatch(1), `--signal`). */
const RESOLUTION = 60;

export const signalLead: Rule = {
  id: 'signal-lead',
  severity: 'warning',
  summary: '--signal with too little time left to write a checkpoint',
  applies: 'batch',
  check: (script) => {
    const signal = headerOption(script, 'signal');
    const seconds = signal && /@(\d+)$/.exec(signal.value)?.[1];
    if (!signal || seconds === undefined || Number(seconds) >= RESOLUTION) return [];
    const message = `${seconds} s before the end is too late: a checkpoint takes minutes, and Slurm is not more exact than ${RESOLUTION} s.`;
    return [{ at: signal.at, message, fix: `#SBATCH --signal=${signal.value.replace(/@\d+$/, '@600')}` }];
  },
};
