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
/** `hf_token` and `WANDB_API_KEY`, not `max_tokens` or `pad_token`. */
const SECRET_NAME =
  /(^|_)(password|passwd|passphrase|secret|credentials?|(?<!(?:eos|bos|pad|unk|sep|cls|mask|end|stop)_)token|(api|access|private|secret)_?key)$/i;
/** Tokens that well-known services issue, whatever the key is called. */
const SECRET_VALUE = /^(hf_|sk-|ghp_|github_pat_|glpat-|AKIA)[A-Za-z0-9_-]{8,}/;

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
  return (
    SECRET_NAME.test(name.replaceAll('-', '_')) || (typeof value === 'string' && SECRET_VALUE.test(value))
  );
}

/** Empty maps count as values: that nothing is set there is worth a line. */
function leaves(value: unknown, keyPath: readonly string[]): [readonly string[], unknown][] {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  const entries = isMap ? Object.entries(value) : [];
  if (entries.length === 0) return [[keyPath, value]];
  return entries.flatMap(([key, inner]) => leaves(inner, [...keyPath, key]));
}
