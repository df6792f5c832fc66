import { textKey } from '../system/text-key.ts';
import type { ParameterValue } from '../template/parameter.ts';

/** Parameters that do not make it another run: by accident the same thing is submitted under two names. */
const NOT_THE_THING = new Set([
  'name',
  'time',
  'partition',
  'qos',
  'account',
  'reservation',
  'nodelist',
  'exclude',
  'gate',
]);

/** Equal for two submissions that would train the same model in the same way. */
export function fingerprint(
  phase: string,
  trainer: string,
  values: Readonly<Record<string, ParameterValue>>,
  trainerFlags: readonly string[],
): string {
  const thing = Object.entries(values)
    .filter(([name]) => !NOT_THE_THING.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return textKey(JSON.stringify([phase, trainer, thing, trainerFlags]));
}
