import { realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import { ensureDirectory, errorCode, fileError, writeAtomic } from '../system/files.ts';
import type { System } from '../system/system.ts';
import { findings } from './findings.ts';
import { type Merged, mergeProfile, profileInForce, profilesIn } from './merge.ts';
import { probe } from './probe.ts';
import { slurmName } from './schema.ts';
import { readYamlText } from './yaml-text.ts';

export interface InitChoice {
  readonly output: string;
  /** The profile's name; without one that of the profile for this cluster, else ClusterName. */
  readonly name: string | undefined;
  readonly update: boolean;
  readonly dryRun: boolean;
}

export interface InitResult extends Merged {
  readonly path: string;
  readonly profile: string;
  /** The one that commands take without --profile; another than `profile` where the file has several. */
  readonly inForce: string | null;
  /** The file was changed. */
  readonly written: boolean;
}

/**
 * Asks the cluster and writes what it says into the configuration file.
 * @throws OpsError 69 or 75 when Slurm is not there or does not answer, UsageError for a file that is not valid.
 */
export async function init(system: System, choice: InitChoice): Promise<InitResult> {
  const path = await realPath(resolve(system.cwd, choice.output));
  // Before the cluster is asked: a bad name or a broken file is told at once.
  if (choice.name !== undefined && !slurmName.safeParse(choice.name).success) {
    throw new UsageError(
      `--name ${JSON.stringify(choice.name)} is no name for a profile`,
      'Use letters, digits, "-" and "_".',
    );
  }
  profilesIn(path, readYamlText(path));
  const survey = await probe(system);
  const existing = readYamlText(path);
  const cluster = survey.cluster.name;
  const own = [...profilesIn(path, existing)].find(([, of]) => of !== null && of === cluster)?.[0];
  const profile = choice.name ?? own ?? cluster ?? 'cluster';
  const merged = mergeProfile(existing, findings(survey), { path, profile, update: choice.update });
  const written = !choice.dryRun && merged.text !== existing;
  if (written) {
    await ensureDirectory(dirname(path));
    await writeAtomic(path, merged.text, await modeOf(path));
  }
  return { ...merged, path, profile, inForce: profileInForce(path, merged.text), written };
}

/** A link, as people who keep their settings in a repository have it, is followed and stays a link. */
async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return path;
    throw fileError('cannot read', path, error);
  }
}

/** The permissions that the file has; a new one can be read by its owner only. */
async function modeOf(path: string): Promise<number> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw new UsageError(`${path} is not a file`);
    return found.mode & 0o777;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0o600;
    throw error;
  }
}
