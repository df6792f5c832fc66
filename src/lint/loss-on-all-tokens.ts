import { optionOf, type ShellCommand } from '../shell/command.ts';
import type { Report, Rule } from './rule.ts';

export const lossOnAllTokens: Rule = {
  id: 'loss-on-all-tokens',
  severity: 'warning',
  summary: 'Fine-tuning whose loss counts the prompt as well as the response',
  applies: 'any',
  check: ({ commands }) => commands.flatMap((command) => found(command)),
};

/** Known from each trainer's code; where the data decides, only info. */
function found(command: ShellCommand): Report[] {
  const script = command.words
    .slice(0, 60)
    .find(({ value }) => /\.py$|openrlhf\.cli\.train_sft|^sft$|^train$/.test(value));
  if (!script || command.via.some(({ name }) => name === command.name)) return [];
  const yes = (name: string): boolean => /^(?:true|1|yes)$/i.test(optionOf(command, name)?.value ?? '');
  const no = (name: string): boolean => /^(?:false|0|no)$/i.test(optionOf(command, name)?.value ?? '');
  const say = (at: number, message: string, fix: string, severity: 'warning' | 'info'): Report[] => [
    { at, message, fix, severity },
  ];
  if (command.name === 'llamafactory-cli' && yes('--train_on_prompt'))
    return say(
      script.at,
      '--train_on_prompt counts the loss on the prompt as well.',
      '--train_on_prompt False',
      'warning',
    );
  if (/(?:^|\/)sft\.py$|^sft$/.test(script.value) && no('--completion_only_loss'))
    return say(
      script.at,
      '--completion_only_loss False counts the loss on the prompt as well.',
      '--completion_only_loss True',
      'warning',
    );
  if (
    /openrlhf\.cli\.train_sft|train_sft\.py$/.test(script.value) &&
    command.words.some(({ value }) => value === '--pretrain_mode')
  )
    return say(
      script.at,
      '--pretrain_mode counts the loss on all tokens.',
      'Leave --pretrain_mode out for fine-tuning.',
      'info',
    );
  if (/step1_supervised_finetuning\/main\.py$/.test(script.value))
    return say(
      script.at,
      'DeepSpeed-Chat’s step 1 counts the loss on the prompt as well: its labels are all tokens.',
      'Mask the prompt in utils/data/data_utils.py: labels[:, :prompt_length] = -100',
      'info',
    );
  return [];
}
