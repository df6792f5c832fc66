import { UsageError } from '../errors.ts';
import { didYouMean } from '../terminal/suggest.ts';
import { check } from './check.ts';
import { EMPTY_PROFILE } from './empty-profile.ts';
import type { LoadedConfig } from './load.ts';
import { type ParameterInputs, parameterInputs } from './parameters.ts';
import { configSchema, type Profile } from './schema.ts';
import { type KeyPath, parseYaml, place, type YamlFile } from './yaml-file.ts';

/**
 * The configuration that a file holds, with the profile that is wanted or that it names.
 * @throws UsageError naming every problem with its line, and for a profile that is not there.
 */
export function loadedFrom(path: string, text: string, wanted: string | undefined): LoadedConfig {
  const file = parseYaml(path, text);
  const config = check(configSchema, file);
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
  const profile = (profileName === null ? undefined : config.profiles[profileName]) ?? EMPTY_PROFILE;
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
