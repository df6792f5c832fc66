import { parseYaml } from '../config/yaml-file.ts';
import { UsageError } from '../errors.ts';
import { type Found, readHelp } from './help.ts';
import { readAddArgument } from './python-argparse.ts';
import { readDataclasses } from './python-dataclass.ts';

/** A program's own words: what it prints with --help, its Python source, or Hydra's configuration as YAML. */
export interface SourceFile {
  /** A path, or `-`. */
  readonly name: string;
  readonly text: string;
}

/**
 * The flags that the files speak of, together: a later file wins, as a subclass does.
 * @throws UsageError for a file without any, and for flags whose names only the running program knows.
 */
export function readSource(files: readonly SourceFile[]): Found {
  const parts = files.map(readFile);
  const aliases = Object.assign({}, ...parts.map((part) => part.aliases ?? {}));
  const flags = Object.assign({}, ...parts.map((part) => part.flags));
  const last = Object.assign({}, ...parts) as Found;
  return { ...last, aliases, flags, dashes: parts.every((part) => part.dashes === true) };
}

function readFile({ name, text }: SourceFile): Found {
  const found = readText(name, text);
  if (Object.keys(found.flags).length === 0)
    throw new UsageError(
      `${name}: no flags are in it`,
      'Give what the program prints with --help, its Python source (add_argument, dataclasses), or a Hydra configuration (.yaml).',
    );
  return found;
}

function readText(name: string, text: string): Found {
  if (/\.ya?ml$/.test(name)) return { flags: keysOf(parseYaml(name, text).data, ''), syntax: 'hydra' };
  if (!/\badd_argument\(|^@(?:dataclasses\.)?dataclass\b/m.test(text)) return readHelp(text);
  const { computed, ...calls } = readAddArgument(text);
  if (computed > 0)
    throw new UsageError(
      `${name}: the names of ${computed} flags are computed, so the source does not tell them`,
      'Give what the program prints with --help instead.',
    );
  const fields = readDataclasses(text);
  const hasCalls = Object.keys(calls.flags).length > 0;
  const hasFields = Object.keys(fields.flags).length > 0;
  return {
    ...calls,
    flags: { ...fields.flags, ...calls.flags },
    dashes: (!hasCalls || calls.dashes === true) && (hasCalls || hasFields),
  };
}

/** The leaves of a configuration: an empty map and a list are leaves too. */
function keysOf(data: unknown, above: string): Found['flags'] {
  if (typeof data !== 'object' || data === null || Array.isArray(data) || Object.keys(data).length === 0)
    return above === '' ? {} : { [above]: 'any' };
  return Object.fromEntries(
    Object.entries(data)
      .filter(([key]) => above !== '' || (key !== 'defaults' && key !== 'hydra'))
      .flatMap(([key, value]) => Object.entries(keysOf(value, above === '' ? key : `${above}.${key}`))),
  );
}
