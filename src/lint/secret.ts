import type { ShellCommand } from '../shell/command.ts';
import { holdsSecret, namesSecret } from '../system/secrets.ts';
import type { Report, Rule } from './rule.ts';

/** `<your-token>`, `hf_xxxxxxxx`, `YOUR_KEY`, `***`: where somebody is to put a key. */
const PLACEHOLDER =
  /^$|[<>{}[\]*$`]|x{4,}|your|change|replace|example|dummy|token|insert|\.\.\.|^(?:none|null|false|true|empty|test|secret|key|password|EMPTY)$/i;
/** A key has letters and digits, or is long; a word of the language has not. */
const LOOKS_RANDOM = /^(?=.*\d)(?=.*[A-Za-z])[\w./+=-]{16,}$/;

/** Never repeats what it found. */
export const secret: Rule = {
  id: 'secret',
  severity: 'error',
  summary: 'A key in the script or on a command line',
  applies: 'any',
  check: ({ commands, assigned }) => [
    ...assigned.flatMap(({ name, at, value }): Report[] => {
      if (!('value' in value) || !value.isLiteral || !isKey(name, value.value)) return [];
      const message = `${name} is given a key in clear text: everybody who can read the file has it, and Slurm keeps a copy.`;
      return [{ at, message, fix: `source ~/.config/secrets.env   # a file of mode 0600: export ${name}=…` }];
    }),
    ...commands.flatMap((command) =>
      command.via.length > 0 && command.place === 'batch' ? [] : onCommandLine(command),
    ),
  ],
};

function isKey(name: string, value: string): boolean {
  if (PLACEHOLDER.test(value)) return false;
  return namesSecret(name) ? LOOKS_RANDOM.test(value) : holdsSecret(value, name) && /\d/.test(value);
}

function onCommandLine({ name, words }: ShellCommand): Report[] {
  if (name === 'wandb' || name === 'huggingface-cli' || name === 'hf') return login(name, words);
  return words.slice(1).flatMap(({ value, at, isLiteral, word }, index): Report[] => {
    const before = words[index];
    const equals = value.indexOf('=');
    const option = value.startsWith('-') && equals !== -1 ? value.slice(0, equals) : before?.value;
    const given = value.startsWith('-') && equals !== -1 ? value.slice(equals + 1) : value;
    const takesKey =
      option?.startsWith('-') === true &&
      (namesSecret(option) || /^--use[-_]wandb$/.test(option)) &&
      !given.startsWith('-');
    if (
      takesKey &&
      isLiteral &&
      (isKey('api_key', given) || (holdsSecret(given, option) && !PLACEHOLDER.test(given)))
    ) {
      return [
        {
          at,
          message: `The value of ${option} is a key in clear text.`,
          fix: `Take it from a file of mode 0600, through the environment.`,
        },
      ];
    }
    if (takesKey && namesSecret(/\$\{?(\w+)/.exec(given)?.[1] ?? '')) {
      const message = `The value of ${option} is a key: on a command line everybody on the node sees it (ps).`;
      return [
        {
          at,
          severity: 'warning',
          message,
          fix: `Leave ${option} out: the program takes the key from the environment.`,
        },
      ];
    }
    if (
      isLiteral &&
      word.text.length < 400 &&
      !takesKey &&
      holdsSecret(given, option) &&
      /\d/.test(value) &&
      !PLACEHOLDER.test(value) &&
      !/\s/.test(value)
    ) {
      return [
        {
          at,
          message: 'This word holds a key in clear text.',
          fix: 'Take it from a file of mode 0600, through the environment.',
        },
      ];
    }
    return [];
  });
}

function login(name: string, words: ShellCommand['words']): Report[] {
  if (!words.some(({ value }) => value === 'login')) return [];
  const key = words
    .slice(words.findIndex(({ value }) => value === 'login') + 1)
    .find(({ value }) => !value.startsWith('-') || /=/.test(value));
  if (!key || PLACEHOLDER.test(key.value.replace(/\$\{?\w+\}?/, 'k1'))) return [];
  const isVariable = key.value.includes('$');
  const variable = name === 'wandb' ? 'WANDB_API_KEY' : 'HF_TOKEN';
  return [
    {
      at: key.at,
      ...(isVariable ? { severity: 'warning' as const } : {}),
      message: `${name} login with the key on its command line: everybody on the node sees it (ps)${isVariable ? '' : ', and it is in the script'}.`,
      fix: `Leave the login out: ${name === 'wandb' ? 'wandb' : 'the hub'} takes ${variable} from the environment.`,
    },
  ];
}
