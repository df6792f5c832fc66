import { readIfThere } from '../system/files.ts';
import type { ParameterValue } from '../template/parameter.ts';
import type { Manifest } from './manifest.ts';
import { unifiedDiff } from './unified-diff.ts';

export interface Change<T> {
  readonly name: string;
  /** Null where a run does not have it. */
  readonly before: T | null;
  readonly after: T | null;
}

export interface RunDifference {
  readonly same: boolean;
  readonly parameters: readonly Change<ParameterValue>[];
  readonly trainerFlags: readonly [readonly string[], readonly string[]] | null;
  /** Phase, trainer, commit, uncommitted changes, versions, data. */
  readonly facts: readonly Change<string>[];
  /** In the form of `diff -u`; the names of the two runs stand as RUN in it. Null when a script is gone. */
  readonly script: readonly string[] | null;
}

/** Different by nature: no two runs have them in common. */
const OWN = new Set(['name']);

/** What two runs did differently. The scripts and uncommitted changes are read from the runs' own directories. */
export async function compareRuns(before: Manifest, after: Manifest): Promise<RunDifference> {
  const [scripts, diffs] = await Promise.all([
    Promise.all([readIfThere(before.script), readIfThere(after.script)]),
    Promise.all([readIfThere(`${before.outputDir}/code.diff`), readIfThere(`${after.outputDir}/code.diff`)]),
  ]);
  const facts = [
    ...changes(factsOf(before), factsOf(after)),
    ...((diffs[0] ?? '') === (diffs[1] ?? '')
      ? []
      : [{ name: 'uncommitted changes', before: lines(diffs[0]), after: lines(diffs[1]) }]),
  ];
  const parameters = changes(valuesOf(before), valuesOf(after)).filter(({ name }) => !OWN.has(name));
  const sameFlags = JSON.stringify(before.trainerFlags) === JSON.stringify(after.trainerFlags);
  const script =
    scripts[0] === undefined || scripts[1] === undefined
      ? null
      : unifiedDiff(nameless(scripts[0], before), nameless(scripts[1], after));
  return {
    same: parameters.length === 0 && sameFlags && facts.length === 0 && (script?.length ?? 1) === 0,
    parameters,
    trainerFlags: sameFlags ? null : [before.trainerFlags, after.trainerFlags],
    facts,
    script,
  };
}

function nameless(script: string, { runId, outputDir }: Manifest): string {
  return script.replaceAll(outputDir, 'RUN_DIR').replaceAll(runId, 'RUN');
}

function valuesOf({ parameters }: Manifest): Record<string, ParameterValue> {
  return Object.fromEntries(Object.entries(parameters).map(([name, { value }]) => [name, value]));
}

function factsOf({ phase, stage, trainer, code, versions, data }: Manifest): Record<string, string> {
  const commit = code[0];
  return {
    phase: stage === undefined ? phase : `${phase} (${stage})`,
    trainer,
    ...(commit === undefined ? {} : { commit: commit.commit, branch: commit.branch ?? '(detached)' }),
    ...(commit?.diffMissing === undefined ? {} : { 'code.diff': `not kept: ${commit.diffMissing}` }),
    ...(commit?.untracked === undefined
      ? {}
      : { 'not known to git': `${commit.untracked.count}: ${commit.untracked.first.join(' ')}` }),
    ...Object.fromEntries(Object.entries(versions).map(([name, version]) => [`version of ${name}`, version])),
    ...(data === null ? {} : { data: `${data.files} files, ${data.bytes} bytes` }),
  };
}

function lines(diff: string | undefined): string {
  return diff ? `${diff.split('\n').length - 1} lines of code.diff` : 'none';
}

function changes<T extends ParameterValue>(
  before: Readonly<Record<string, T>>,
  after: Readonly<Record<string, T>>,
): Change<T>[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .filter((name) => (before[name] ?? null) !== (after[name] ?? null))
    .map((name) => ({ name, before: before[name] ?? null, after: after[name] ?? null }));
}
