import { UsageError } from '../errors.ts';
import type { Script } from '../shell/script.ts';
import { didYouMean } from '../terminal/suggest.ts';
import type { FlagList } from '../trainer/flag-list.ts';

/**
 * - `known`: the script installs this very version, or whoever asks has named it
 * - `other`: it installs another one, whose flags nobody here has seen
 * - `open`: it does not say
 */
export type Certainty = 'known' | 'other' | 'open';

/** `trl==1.10.0`, `"transformers[torch]==5.18.0"`: as pip, uv and conda take it. */
const PIN = /^["']?([A-Za-z][\w-]*)(?:\[[\w,-]*\])?==?([0-9][\w.+-]*)/;
const INSTALLERS = new Set(['pip', 'pip3', 'uv', 'uvx', 'conda', 'mamba', 'micromamba']);

/** Where the package that pip installs is not named as the beginning of the program's name. */
const PACKAGES: Readonly<Record<string, string>> = {
  torchrun: 'torch',
  'accelerate-launch': 'accelerate',
  'llama-factory-train': 'llamafactory',
};

/** The versions that the script itself installs, by package. */
export function installedVersions({ commands }: Script): ReadonlyMap<string, string> {
  const versions = new Map<string, string>();
  for (const { name, words } of commands) {
    const isInstaller = INSTALLERS.has(name) || words[2]?.value === 'pip';
    if (!isInstaller) continue;
    for (const { value } of words.slice(1)) {
      const [, name = '', version = ''] = PIN.exec(value) ?? [];
      if (name !== '') versions.set(name.toLowerCase(), version);
    }
  }
  return versions;
}

/** Whether the flags of a list are those of the program that the script will run. */
export function certaintyOf(
  { program, version, frameworks }: FlagList,
  named: ReadonlyMap<string, string>,
  installed: ReadonlyMap<string, string>,
): Certainty {
  if (named.get(program) === version) return 'known';
  const own = installed.get(PACKAGES[program] ?? program.split('-')[0] ?? program);
  const isOther = (own ?? version) !== version;
  const hasOther = Object.entries(frameworks ?? {}).some(
    ([framework, wanted]) => (installed.get(framework) ?? wanted) !== wanted,
  );
  if (isOther || hasOther) return 'other';
  return own === undefined ? 'open' : 'known';
}

/**
 * Reads `PROGRAM=VERSION`, as the user names what the scripts run.
 * @param known the versions of a program that there are flag lists of.
 * @throws UsageError for anything else, and for a version that nobody knows the flags of.
 */
export function namedVersions(
  named: readonly string[],
  known: (program: string) => readonly string[],
): ReadonlyMap<string, string> {
  const versions = new Map<string, string>();
  for (const word of named) {
    const [, program = '', version = ''] = /^([\w-]+)=(.+)$/.exec(word) ?? [];
    if (program === '')
      throw new UsageError(
        `--trainer-version: "${word}" is not of the form PROGRAM=VERSION`,
        'For example --trainer-version trl-sft=1.10.0.dev0',
      );
    const versionsOfIt = known(program);
    if (!versionsOfIt.includes(version))
      throw new UsageError(
        `--trainer-version: there is no flag list of ${program} ${version}.${didYouMean(version, versionsOfIt)}`,
        versionsOfIt.length === 0
          ? 'Which programs there are: opsctl trainers'
          : `Known: ${versionsOfIt.join(', ')}. Another one: opsctl trainers add ${program} ${version} --from FILE`,
      );
    versions.set(program, version);
  }
  return versions;
}
