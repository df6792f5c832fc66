import { UsageError } from '../errors.ts';
import type { PlanOptions } from '../remedy/automate.ts';
import type { Target } from '../run/target.ts';
import type { System } from '../system/system.ts';
import { type Arguments, type GlobalOptions, text, texts } from './command.ts';

/** What a person wants done, whatever the runbook proposes. */
type Asked = Pick<PlanOptions, 'only' | 'onNodes' | 'set' | 'beforeStep'>;

/**
 * What stands behind --only, and beside it, checked before a plan is made of it: what would fail when it is carried out
 * must not look like a plan.
 * @throws UsageError for what opsctl cannot do, a node that is not there, and a parameter that cannot be.
 */
export async function askedFor(
  args: Arguments,
  target: Target,
  system: System,
  options: GlobalOptions,
): Promise<Asked> {
  const [{ REMEDIES, isRestart }, { didYouMean }] = await Promise.all([
    import('../remedy/drafts.ts'),
    import('../terminal/suggest.ts'),
  ]);
  const only = texts(args, 'only');
  for (const id of only)
    if (!REMEDIES.includes(id))
      throw new UsageError(
        `opsctl has no act "${id}".${didYouMean(id, REMEDIES)}`,
        `Acts and remedies: ${REMEDIES.join(', ')}.`,
      );
  if (only.length === 0) {
    const lone = ['node', 'set', 'before-step'].find((name) => text(args, name) !== undefined);
    if (lone === undefined) return {};
    throw new UsageError(`--${lone} says how to do what --only asks for`, 'Give --only as well.');
  }
  const set = texts(args, 'set');
  const beforeStep = stepOf(text(args, 'before-step'));
  if ((set.length > 0 || beforeStep !== undefined) && !only.some(isRestart))
    throw new UsageError(
      `--${set.length > 0 ? 'set' : 'before-step'} changes the next attempt, and ${only.join(', ')} starts none`,
      'Give --only resubmit as well.',
    );
  return {
    only,
    ...(await nodesOf(text(args, 'node'), system)),
    ...(await settingsOf(set, target, system, options)),
    ...(beforeStep === undefined ? {} : { beforeStep }),
  };
}

async function nodesOf(list: string | undefined, system: System): Promise<Pick<Asked, 'onNodes'>> {
  if (list === undefined) return {};
  const { namedNodes } = await import('./named-nodes.ts');
  return { onNodes: await namedNodes(system, list) };
}

/** @throws UsageError where the run's template has no such parameter, or it cannot have the value. */
async function settingsOf(
  words: readonly string[],
  target: Target,
  system: System,
  options: GlobalOptions,
): Promise<Pick<Asked, 'set'>> {
  if (words.length === 0) return {};
  const { parseSettings } = await import('../template/resolve.ts');
  const settings = parseSettings(words);
  if (target.kind === 'run') {
    const [{ rerunOf }, { planAnew }] = await Promise.all([
      import('../run/rerun.ts'),
      import('../run/resubmit.ts'),
    ]);
    const { manifest } = target;
    planAnew(manifest, await (await rerunOf(system, options, manifest)).inputWith(settings));
  }
  const values = Object.entries(settings).map(([name, { value }]) => [name, String(value)] as const);
  return { set: Object.fromEntries(values) };
}

function stepOf(word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  if (/^[1-9]\d{0,14}$/.test(word)) return Number(word);
  throw new UsageError(`--before-step ${word} is no step`, 'Write the number of a step, as 4000.');
}
