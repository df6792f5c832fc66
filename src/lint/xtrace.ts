import { namesSecret } from '../system/secrets.ts';
import type { Edit, Rule } from './rule.ts';

export const xtrace: Rule = {
  id: 'xtrace',
  severity: 'warning',
  summary: 'set -x prints every command with its secrets into the log',
  applies: 'any',
  check: (script) => {
    const { commands, assigned, references, isBatch } = script;
    const secret =
      assigned.find(({ name }) => namesSecret(name)) ?? references.find(({ name }) => namesSecret(name));
    return commands
      .filter(({ name, isDeferred }) => name === 'set' && !isDeferred)
      .flatMap(({ words, at, end }) => {
        const traced = words.slice(1).find(({ value }) => /^-[a-wyz]*x[a-wyz]*$/.test(value));
        if (!traced || (secret === undefined && !isBatch)) return [];
        const message =
          secret === undefined
            ? 'set -x prints every command as it is run: a key that comes into one later is in the log.'
            : `set -x prints every command as it is run, and ${secret.name} with it.`;
        const rest = traced.value.replace('x', '');
        const edit: Edit | undefined =
          rest === '-'
            ? words.length === 2
              ? { at, end, text: ':' }
              : undefined
            : { at: traced.at, end: traced.end, text: rest };
        return [
          {
            at,
            severity: secret === undefined ? ('info' as const) : ('warning' as const),
            message,
            fix:
              rest === '-'
                ? `Leave it out, or export PS4='+ $LINENO ' and trace only a part: set -x; …; set +x`
                : `set ${rest}`,
            ...(edit && secret !== undefined ? { edit } : {}),
          },
        ];
      });
  },
};
