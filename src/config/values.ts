import { holdsSecret, namesSecret } from '../system/secrets.ts';
import type { LoadedConfig } from './load.ts';

/** One configuration value, to be shown. */
export interface ConfigValue {
  /** Within the profile, such as `partitions.gpu.max_time`; the first ones are opsctl's own. */
  readonly key: string;
  readonly value: unknown;
  /** `default`, `file:line`, `env NAME`, or the flag. */
  readonly source: string;
  /** The key names a secret: the value is not the real one. */
  readonly masked: boolean;
}

const MASK = '********';

/** Every value of a configuration and where it came from. */
export function configValues(config: LoadedConfig): ConfigValue[] {
  return leaves(config.profile, []).map(([keyPath, value]) => {
    const name = keyPath.at(-1) ?? '';
    const isParameter = keyPath[0] === 'defaults' || keyPath[0] === 'phases';
    const masked = isParameter && value !== null && looksSecret(name, value);
    return { key: keyPath.join('.'), value: masked ? MASK : value, source: config.origin(keyPath), masked };
  });
}

function looksSecret(name: string, value: unknown): boolean {
  return namesSecret(name) || (typeof value === 'string' && holdsSecret(value, name));
}

/** Empty maps count as values: that nothing is set there is worth a line. */
function leaves(value: unknown, keyPath: readonly string[]): [readonly string[], unknown][] {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  const entries = isMap ? Object.entries(value) : [];
  if (entries.length === 0) return [[keyPath, value]];
  return entries.flatMap(([key, inner]) => leaves(inner, [...keyPath, key]));
}
