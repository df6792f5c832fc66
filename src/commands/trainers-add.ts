import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text as readStream } from 'node:stream/consumers';
import { UsageError } from '../errors.ts';
import { ensureDirectory, fileError, writeAtomic } from '../system/files.ts';
import type { System } from '../system/system.ts';
import { printable } from '../terminal/terminal.ts';
import { flagListSchema } from '../trainer/flag-list.ts';
import { loadKnowledge, siteLists } from '../trainer/knowledge.ts';
import { compareVersions, type Difference, listText, newVersion } from '../trainer/new-version.ts';
import { readSource } from '../trainer/read-source.ts';

export interface Request {
  readonly program: string;
  readonly version: string;
  /** Files; `-` is standard input. */
  readonly from: readonly string[];
  /** Where they come from, for whoever reads the list later. */
  readonly source: string;
  readonly write: boolean;
}

export interface Added {
  readonly program: string;
  readonly version: string;
  /** Where the list lies, or would lie. */
  readonly path: string;
  readonly written: boolean;
  readonly flags: number;
  /** The version it was compared with; null when it is the first. */
  readonly previous: string | null;
  readonly difference: Difference | null;
}

/**
 * Adds the flags of one version to the site's own lists, which are stronger than the package's.
 * @throws UsageError for a name or version that is none, or a text without flags; OpsError for a file that cannot be read.
 */
export async function addVersion(
  system: System,
  { program, version, from, source, write }: Request,
): Promise<Added> {
  const files = await Promise.all(from.map(async (name) => ({ name, text: await textOf(system, name) })));
  const knowledge = await loadKnowledge(system.env);
  const known = flagListSchema.shape.program.safeParse(program).success ? knowledge.lists(program) : [];
  const previous = known.find((list) => list.version !== version);
  const list = newVersion(program, version, source, readSource(files), previous);
  const checked = flagListSchema.safeParse(list);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    throw new UsageError(`${issue?.path.join('.')}: ${issue?.message}`);
  }
  const directory = join(siteLists(system.env), program);
  const path = join(directory, `${version}.json`);
  if (write) {
    await ensureDirectory(directory, 0o755);
    await writeAtomic(path, listText(list), 0o644);
  }
  return {
    program,
    version,
    path,
    written: write,
    flags: Object.keys(list.flags).length,
    previous: previous?.version ?? null,
    difference: previous ? compareVersions(previous, list) : null,
  };
}

async function textOf(system: System, name: string): Promise<string> {
  if (name === '-') return readStream(process.stdin);
  const path = join(system.cwd, name);
  return readFile(name.startsWith('/') ? name : path, 'utf8').catch((error: unknown) => {
    throw fileError('cannot read', name, error);
  });
}

/** What changed, one flag a line. */
export function showAdded({ program, version, path, written, flags, previous, difference }: Added): string[] {
  const lines = [
    `${program} ${version}: ${flags} flags${written ? `, in ${path}` : ' (nothing was written)'}`,
  ];
  if (difference === null) return [...lines, 'There was no version of it before.'];
  const { added, removed, changed, renames } = difference;
  const renamed = new Map(renames.map(({ from, to }) => [from, to]));
  lines.push(
    `Against ${previous}: ${added.length} more, ${removed.length} fewer, ${changed.length} changed.`,
  );
  lines.push(
    ...removed.map((flag) => `- ${flag}${renamed.has(flag) ? `   probably ${renamed.get(flag)}` : ''}`),
  );
  lines.push(...added.map((flag) => `+ ${flag}`), ...changed.map((flag) => `~ ${flag}`));
  return lines.map(printable);
}
