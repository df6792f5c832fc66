import { namesSecret } from '../system/secrets.ts';
import type { Edit, Rule } from './rule.ts';

export const xtrace: Rule = {
  id: 'xtrace',
  severity: 'warning',
  summary: 'set -x prints every command with its secrets into the log',
  applies: 'any',
  check: (script) => {
    const { commands, assigned, references } = script;
    const secret =
      assigned.find(({ name }) => namesSecret(name)) ?? references.find(({ name }) => namesSecret(name));
    // Without a key in sight it is a matter of taste.
    if (secret === undefined) return [];
    return commands
      .filter(({ name, isDeferred }) => name === 'set' && !isDeferred)
      .flatMap(({ words, at, end }) => {
        const traced = words.slice(1).find(({ value }) => /^-[a-wyz]*x[a-wyz]*$/.test(value));
        if (!traced) return [];
        const rest = traced.value.replace('x', '');
        const alone = rest === '-' && words.length === 2;
        const edit: Edit | undefined = alone
          ? { at, end, text: ':' }
          : rest === '-'
            ? undefined
            : { at: traced.at, end: traced.end, text: rest };
        return [
          {
            at,
            message: `set -x prints every command as it is run, and ${secret.name} with it.`,
            fix: rest === '-' ? 'Leave it out, or trace a part only: set -x; …; set +x' : `set ${rest}`,
            ...(edit ? { edit } : {}),
          },
        ];
      });
  },
};
