import { constants } from 'node:fs';
import { chmod, lstat, open, readlink, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EXIT, OpsError } from '../errors.ts';
import { isActive } from '../slurm/states.ts';
import { errorCode, fileError } from '../system/files.ts';
import { currentUser, type System } from '../system/system.ts';
import { checkpointRule } from './complete.ts';
import type { Manifest } from './manifest.ts';
import { checkpointsOf } from './own-checkpoints.ts';
import { readEntries, trashIn, trashName } from './prune-entries.ts';
import { type PruneItem, type PruneRules, planPrune } from './prune-plan.ts';
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
  const trash = join(directory, trashName(item.name));
  await journal(manifest, { at: system.now().toISOString(), by: currentUser(), intent: 'delete', ...item });
  try {
    await rename(join(directory, item.name), trash);
    const moved = await lstat(trash);
    if (moved.isSymbolicLink() || `${moved.dev}:${moved.ino}` !== item.identity) {
      await rename(trash, join(directory, item.name));
      return left('another directory took its name at the last moment');
    }
    // Whoever may write in a shared checkpoint must not put a link where rm is about to go on.
    await chmod(trash, 0o700);
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

async function sweepTrash(directory: string): Promise<void> {
  for (const name of await trashIn(directory))
    await rm(join(directory, name), { recursive: true, force: true });
}

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;

/** One line of JSON for each act, flushed to the disk: what was deleted from this run, when and by whom. */
async function journal({ outputDir }: Manifest, line: object): Promise<void> {
  const path = join(outputDir, 'pruned.jsonl');
  try {
    // Neither a link nor a second name of something else, nor a pipe that keeps one waiting.
    const handle = await open(path, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0o644);
    try {
      const { nlink, uid } = await handle.stat();
      if (nlink !== 1 || uid !== process.getuid?.()) throw new Error('it is not a file of the run alone');
      await handle.appendFile(`${JSON.stringify(line)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    const reason = errorCode(error) === 'ELOOP' ? new Error('it is a link') : error;
    throw new OpsError(fileError('cannot write the journal', path, reason).message, {
      exitCode: EXIT.failed,
    });
  }
}
