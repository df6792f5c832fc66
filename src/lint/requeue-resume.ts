import { headerOption } from '../shell/script.ts';
import type { Rule } from './rule.ts';

/** Programs of which it is known that they start again at step 0: their own code loads no checkpoint. */
const CANNOT: readonly (readonly [RegExp, string])[] = [
  [/(?:^|\/)xllm\/postrain\.py$/, 'xllm/postrain.py'],
  [
    /(?:^|\/)examples\/scripts\/ppo\/ppo(?:_tldr)?\.py$/,
    'TRL’s PPO example, which also deletes its output directory,',
  ],
  [/step[123]_[a-z_]+\/main\.py$/, 'DeepSpeed-Chat'],
];

export const requeueResume: Rule = {
  id: 'requeue-resume',
  severity: 'warning',
  summary: '--requeue for a trainer that cannot resume',
  applies: 'batch',
  check: (script) => {
    const option = headerOption(script, 'requeue');
    if (!option) return [];
    let directory = '';
    for (const { name, words } of script.commands) {
      if (name === 'cd') directory = words[1]?.value ?? '';
      for (const { value } of words) {
        const path = value.startsWith('/') ? value : `${directory}/${value}`;
        const [, program] = CANNOT.find(([pattern]) => pattern.test(path)) ?? [];
        if (program === undefined) continue;
        const message = `${program} cannot resume: after a requeue it starts at step 0.`;
        return [{ at: option.at, message, fix: '#SBATCH --no-requeue' }];
      }
    }
    return [];
  },
};
