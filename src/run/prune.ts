import { appendFile, lstat, open, readdir, readlink, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EXIT, OpsError, UsageError } from '../errors.ts';
import { isActive } from '../slurm/states.ts';
import { errorCode, fileError } from '../system/files.ts';
import { currentUser, type System } from '../system/system.ts';
import { checkpointRule, isCompleteCheckpoint } from './complete.ts';
import type { Manifest } from './manifest.ts';
import { type Entry, type PruneItem, type PruneRules, planPrune } from './prune-plan.ts';
import { listRuns } from './registry.ts';
import { knowTarget } from './status.ts';
import type { CheckpointRule } from './upstream.ts';

export interface PruneRequest {
  readonly keep: number;
  readonly minAgeMs: number;
}

export interface PrunePlan {
  readonly runId: string;
  readonly directory: string;
  readonly rules: PruneRules;
  readonly checkpointRule: CheckpointRule;
  readonly items: readonly PruneItem[];
  /** Slurm did not say whether the job runs: nothing may be deleted. */
  readonly failure: OpsError | undefined;
}

/** What stood in the way at the last look, or null when it was deleted. */
export type PruneResult = PruneItem & { readonly deleted: boolean; readonly problem: string | null };

/** Between its own name and nothing: no trainer resumes from this name, and prune finishes it the next time. */
export const TRASH = /^\.opsctl-trash-/;

/** Looks at a run's checkpoints and decides what may go. Changes nothing. */
export async function lookForPrune(
  system: System,
  manifest: Manifest,
  { keep, minAgeMs }: PruneRequest,
): Promise<PrunePlan> {
  const known = await knowTarget(system, { kind: 'run', manifest });
  // Silence is no end: then nothing that could be being written is touched.
  const mayRun = isActive(known.knowledge.state) || known.knowledge.state.phase === 'unknown';
  const rule = await checkpointRule(system, manifest);
  const directory = await checkpointsOf(manifest, rule);
  const rules: PruneRules = {
    keep,
    minAgeMs,
    nowMs: system.now().getTime(),
    isActive: mayRun,
    inUse: await namesInUse(system, manifest, directory),
    ownName: rule.name,
  };
  const entries = await readEntries(directory, rule);
  return {
    runId: manifest.runId,
    directory,
    rules,
    checkpointRule: rule,
    items: planPrune(entries, rules),
    failure: known.failure,
  };
}

/**
 * The directory that holds them, which must really be the run's: a link there would lead elsewhere.
 * @throws UsageError when it is not.
 */
export async function checkpointsOf({ outputDir, runId }: Manifest, rule: CheckpointRule): Promise<string> {
  const directory = join(outputDir, 'checkpoints', rule.directory ?? '');
  const real = await realpath(directory).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw fileError('cannot read', directory, error);
  });
  if (real === undefined)
    throw new UsageError(`the run ${runId} has no ${directory}`, 'There is nothing to prune.');
  const own = join(await realpath(outputDir), 'checkpoints', rule.directory ?? '').replace(/\/$/, '');
  if (real !== own)
    throw new UsageError(
      `${directory} is a link to ${real}: only what lies in the run's own directory is pruned`,
    );
  return real;
}

async function readEntries(directory: string, rule: CheckpointRule): Promise<Entry[]> {
  const names = (await readdir(directory)).filter((name) => !TRASH.test(name)).sort();
  const entries: Entry[] = [];
  for (const name of names) {
    const entry = await readEntry(directory, name, rule);
    if (entry) entries.push(entry);
  }
  return entries;
}

async function readEntry(directory: string, name: string, rule: CheckpointRule): Promise<Entry | undefined> {
  const path = join(directory, name);
  try {
    const found = await lstat(path);
    const kind = found.isSymbolicLink() ? 'link' : found.isDirectory() ? 'directory' : 'other';
    const measured =
      kind === 'directory' ? await measure(path) : { bytes: found.size, modifiedMs: found.mtimeMs };
    return {
      name,
      kind,
      ...measured,
      modifiedMs: Math.max(measured.modifiedMs, found.mtimeMs),
      isComplete: kind === 'directory' && (await isCompleteCheckpoint(directory, name, rule)),
      identity: `${found.dev}:${found.ino}`,
    };
  } catch (error) {
    // Taken away meanwhile by the trainer's own retention.
    if (errorCode(error) === 'ENOENT') return undefined;
    throw fileError('cannot read', path, error);
  }
}

/** Bytes and newest change of all files below; links count as themselves and are not followed. */
async function measure(directory: string): Promise<{ bytes: number; modifiedMs: number }> {
  let bytes = 0;
  let modifiedMs = 0;
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    const found = await lstat(path);
    const inner = entry.isDirectory()
      ? await measure(path)
      : { bytes: found.size, modifiedMs: found.mtimeMs };
    bytes += inner.bytes;
    modifiedMs = Math.max(modifiedMs, inner.modifiedMs, found.mtimeMs);
  }
  return { bytes, modifiedMs };
}

/** Checkpoints that other runs start from: a stage that is requeued starts from the same one again. */
async function namesInUse(system: System, manifest: Manifest, directory: string): Promise<Set<string>> {
  const names = new Set<string>();
  const isHere = async (path: unknown): Promise<void> => {
    if (typeof path !== 'string' || !path.startsWith('/')) return;
    const target = await readlink(path).catch(() => path);
    const real = await realpath(target).catch(() => target);
    if (dirname(real) === directory) names.add(basename(real));
  };
  for (const run of await listRuns(system)) {
    if (run.runId === manifest.runId) continue;
    for (const { value } of Object.values(run.parameters)) await isHere(value);
  }
  return names;
}

/**
 * Deletes what the plan says. Just before each deletion everything is looked at anew, and what is not as it was is left.
 * First the name goes, in one step: whoever looks sees a whole checkpoint or none, also after kill -9.
 * @throws OpsError 69 or 75 when Slurm did not say whether the job runs.
 */
export async function applyPrune(
  system: System,
  plan: PrunePlan,
  manifest: Manifest,
): Promise<PruneResult[]> {
  if (plan.failure) throw plan.failure;
  await sweepTrash(plan.directory);
  const results: PruneResult[] = [];
  for (const item of plan.items) {
    if (item.action === 'keep') results.push({ ...item, deleted: false, problem: null });
    else results.push(await deleteOne(system, plan, manifest, item));
  }
  return results;
}

async function deleteOne(
  system: System,
  plan: PrunePlan,
  manifest: Manifest,
  item: PruneItem,
): Promise<PruneResult> {
  const { directory, checkpointRule: rule } = plan;
  const left = (problem: string): PruneResult => ({ ...item, deleted: false, problem });
  if ((await checkpointsOf(manifest, rule)) !== directory) return left('the directory is another one now');
  const rules = { ...plan.rules, nowMs: system.now().getTime() };
  const now = planPrune(await readEntries(directory, rule), rules).find(({ name }) => name === item.name);
  if (now === undefined) return left('it is gone already');
  if (now.action === 'keep' || now.identity !== item.identity)
    return left(`it is not as it was: ${now.reason ?? 'another directory has its name'}`);
  const trash = join(directory, `.opsctl-trash-${item.name}-${process.pid}`);
  await journal(manifest, { at: system.now().toISOString(), by: currentUser(), intent: 'delete', ...item });
  try {
    await rename(join(directory, item.name), trash);
    const moved = await lstat(trash);
    if (moved.isSymbolicLink() || `${moved.dev}:${moved.ino}` !== item.identity) {
      await rename(trash, join(directory, item.name));
      return left('another directory took its name at the last moment');
    }
    // Node's rm removes links themselves and never what they point to.
    await rm(trash, { recursive: true, force: true });
  } catch (error) {
    return left(fileError('cannot delete', join(directory, item.name), error).message);
  }
  await journal(manifest, {
    at: system.now().toISOString(),
    by: currentUser(),
    outcome: 'deleted',
    name: item.name,
  });
  return { ...item, deleted: true, problem: null };
}

/** What a prune that was killed had taken the name from already. */
async function sweepTrash(directory: string): Promise<void> {
  for (const name of (await readdir(directory)).filter((each) => TRASH.test(each))) {
    const path = join(directory, name);
    if ((await lstat(path)).isDirectory()) await rm(path, { recursive: true, force: true });
  }
}

/** One line of JSON for each act, flushed to the disk: what was deleted from this run, when and by whom. */
async function journal({ outputDir }: Manifest, line: object): Promise<void> {
  const path = join(outputDir, 'pruned.jsonl');
  try {
    await appendFile(path, `${JSON.stringify(line)}\n`, { mode: 0o644 });
    const handle = await open(path, 'r');
    await handle.sync().finally(() => handle.close());
  } catch (error) {
    throw new OpsError(fileError('cannot write the journal', path, error).message, { exitCode: EXIT.failed });
  }
}
