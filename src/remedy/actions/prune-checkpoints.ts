import { OpsError } from '../../errors.ts';
import { applyPrune, lookForPrune, type PrunePlan } from '../../run/prune.ts';
import { isTrash, trashIn } from '../../run/prune-entries.ts';
import { readRun } from '../../run/registry.ts';
import type { System } from '../../system/system.ts';
import type { Deed } from '../deed.ts';
import type { Act } from '../step.ts';

/** As `opsctl prune` has it without --min-age. */
const MIN_AGE_MS = 3600_000;

async function look(system: System, { runId, limit }: Act) {
  const manifest = runId === null ? undefined : await readRun(system, runId);
  if (manifest === undefined) throw new OpsError(`there is no run ${runId}`);
  return { manifest, plan: await lookForPrune(system, manifest, { keep: limit, minAgeMs: MIN_AGE_MS }) };
}

function toDelete({ items }: PrunePlan): string[] {
  return items.filter(({ action }) => action === 'delete').map(({ name }) => name);
}

/** Old checkpoints, by the rules of `opsctl prune`: looked at anew just before each deletion. */
export const pruneCheckpoints: Deed = {
  see: async (system, act) => {
    const { plan } = await look(system, act);
    if (plan.failure) throw plan.failure;
    // What a prune that was killed has taken the name from is still to go.
    return { files: [...toDelete(plan), ...(await trashIn(plan.directory))] };
  },
  isSo: (_act, { files = [] }) => files.length === 0,
  held: () => undefined,
  act: async (system, { act }) => {
    const { manifest, plan } = await look(system, act);
    const results = await applyPrune(system, plan, manifest);
    const gone = results.filter(({ deleted }) => deleted);
    const left = results.find(({ problem }) => problem !== null);
    return `deleted ${gone.map(({ name }) => name).join(', ') || 'nothing'}${left ? `; ${left.name}: ${left.problem}` : ''}`;
  },
  judge: (_act, { files: before = [] }, { files: after = [] }) =>
    before.some((name) => after.includes(name)) || after.some(isTrash) ? 'not-done' : 'done',
};
