import { dirname, join } from 'node:path';
import { UsageError } from '../errors.ts';
import { configHome, type System } from '../system/system.ts';
import { EMPTY_PROFILE } from './empty-profile.ts';
import type { ParameterInputs } from './parameters.ts';
import type { Profile } from './schema.ts';
import type { KeyPath } from './yaml-file.ts';
import { readYamlText } from './yaml-text.ts';

const FILE_NAME = 'opsctl.yaml';

export interface ConfigChoice {
  /** --config: this file and no other. */
  readonly config?: string | undefined;
  /** --profile. */
  readonly profile?: string | undefined;
}

/** The configuration in force, and where each value of it came from. */
export interface LoadedConfig {
  /** Null when there is no file: then everything is a default. */
  readonly path: string | null;
  readonly profileName: string | null;
  /** `file:line` of what chose the profile, or `default`. */
  readonly profileSource: string;
  readonly profile: Profile;
  /** `environment` as template parameters: modules (joined by spaces), activate and python, as far as the file has them. */
  readonly environment: ParameterInputs;
  /** Template parameters of the profile, for every phase. */
  readonly defaults: ParameterInputs;
  /** Template parameters for one phase, by its name. */
  readonly phases: Readonly<Record<string, ParameterInputs>>;
  /** `file:line` of a key of the profile, such as `['partitions', 'gpu', 'max_time']`, or `default`. */
  readonly origin: (keyPath: KeyPath) => string;
}

/**
 * Finds and reads the configuration: the file given, else opsctl.yaml here or above, else the user's own.
 * @throws UsageError naming every problem with its line, for a file that is not there, and for an unknown profile.
 */
export async function loadConfig(
  system: Pick<System, 'cwd' | 'env'>,
  choice: ConfigChoice = {},
): Promise<LoadedConfig> {
  const found = findConfig(system, choice.config);
  if (found === undefined) return withoutFile(choice.profile);
  // The parser and the schema are loaded only where there is something to read.
  const { loadedFrom } = await import('./from-file.ts');
  return loadedFrom(found.path, found.text, choice.profile);
}

/** Where `opsctl init` writes when it is not told. */
export function userConfigPath(env: System['env']): string {
  return join(configHome(env), 'config.yaml');
}

function findConfig(
  { cwd, env }: Pick<System, 'cwd' | 'env'>,
  given: string | undefined,
): { path: string; text: string } | undefined {
  if (given !== undefined) {
    const text = readYamlText(given);
    if (text !== undefined) return { path: given, text };
    throw new UsageError(
      `there is no configuration file ${given}`,
      `"opsctl init --output ${given}" writes one.`,
    );
  }
  for (const path of [...upwards(cwd).map((directory) => join(directory, FILE_NAME)), userConfigPath(env)]) {
    const text = readYamlText(path);
    if (text !== undefined) return { path, text };
  }
  return undefined;
}

function upwards(directory: string): string[] {
  const parent = dirname(directory);
  return parent === directory ? [directory] : [directory, ...upwards(parent)];
}

function withoutFile(wanted: string | undefined): LoadedConfig {
  if (wanted !== undefined) {
    throw new UsageError(
      `there is no profile "${wanted}": no configuration file was found`,
      '"opsctl init" asks the cluster and writes one; --config names another file.',
    );
  }
  return {
    path: null,
    profileName: null,
    profileSource: 'default',
    profile: EMPTY_PROFILE,
    environment: {},
    defaults: {},
    phases: {},
    origin: () => 'default',
  };
}
