import { dirname, join } from 'node:path';
import { UsageError } from '../errors.ts';
import { configHome, type System } from '../system/system.ts';
import { didYouMean } from '../terminal/suggest.ts';
import { check } from './check.ts';
import { type ParameterInputs, parameterInputs } from './parameters.ts';
import { type Config, configSchema, type Profile, profileSchema } from './schema.ts';
import { type KeyPath, parseYaml, place, type YamlFile } from './yaml-file.ts';
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
  const file = await findConfig(system, choice.config);
  return file ? chooseProfile(file, check(configSchema, file), choice.profile) : withoutFile(choice.profile);
}

/** Where `opsctl init` writes when it is not told. */
export function userConfigPath(env: System['env']): string {
  return join(configHome(env), 'config.yaml');
}

async function findConfig(
  { cwd, env }: Pick<System, 'cwd' | 'env'>,
  given: string | undefined,
): Promise<YamlFile | undefined> {
  if (given !== undefined) {
    const text = await readYamlText(given);
    if (text !== undefined) return parseYaml(given, text);
    throw new UsageError(
      `there is no configuration file ${given}`,
      `"opsctl init --output ${given}" writes one.`,
    );
  }
  for (const path of [...upwards(cwd).map((directory) => join(directory, FILE_NAME)), userConfigPath(env)]) {
    const text = await readYamlText(path);
    if (text !== undefined) return parseYaml(path, text);
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
    profile: profileSchema.parse({}),
    environment: {},
    defaults: {},
    phases: {},
    origin: () => 'default',
  };
}

function chooseProfile(file: YamlFile, config: Config, wanted: string | undefined): LoadedConfig {
  const profiles = Object.keys(config.profiles);
  const profileName = wanted ?? config.profile ?? (profiles.length === 1 ? profiles[0] : undefined) ?? null;
  if (profileName === null && profiles.length > 1) {
    throw new UsageError(
      `${file.path} has several profiles: ${profiles.join(', ')}`,
      'Say which with --profile, or set "profile:" in the file.',
    );
  }
  if (profileName !== null && !profiles.includes(profileName)) {
    const source = wanted === undefined ? place(file, ['profile']) : file.path;
    throw new UsageError(
      `${source}: there is no profile "${profileName}".${didYouMean(profileName, profiles)}`,
      `Profiles: ${profiles.join(', ') || 'none; "opsctl init" adds one'}`,
    );
  }
  const profile =
    (profileName === null ? undefined : config.profiles[profileName]) ?? profileSchema.parse({});
  const inFile = (keyPath: KeyPath): KeyPath => ['profiles', profileName ?? '', ...keyPath];
  return {
    path: file.path,
    profileName,
    profileSource:
      profileName === null
        ? 'default'
        : place(file, config.profile === null ? ['profiles', profileName] : ['profile']),
    profile,
    environment: environmentInputs(file, inFile(['environment']), profile.environment),
    defaults: parameterInputs(file, inFile(['defaults']), profile.defaults),
    phases: Object.fromEntries(
      Object.entries(profile.phases).map(([phase, values]) => [
        phase,
        parameterInputs(file, inFile(['phases', phase]), values),
      ]),
    ),
    origin: (keyPath) =>
      file.line(inFile(keyPath)) === undefined ? 'default' : place(file, inFile(keyPath)),
  };
}

function environmentInputs(
  file: YamlFile,
  keyPath: KeyPath,
  { modules, activate, python }: Profile['environment'],
): ParameterInputs {
  const values = { modules: modules.join(' ') || null, activate, python };
  const given = Object.entries(values).filter(
    ([key, value]) => value !== null && file.line([...keyPath, key]) !== undefined,
  );
  return parameterInputs(file, keyPath, Object.fromEntries(given));
}
