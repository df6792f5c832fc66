import { UsageError } from '../errors.ts';
import type { Manifest } from '../run/manifest.ts';
import { valuesOf } from '../run/plan.ts';
import type { PlannedStage } from './plan.ts';
import { type PipelineRecord, type StageRecord, stageRecord } from './record.ts';

/** A stage that the file describes otherwise than it was submitted, and what is different: `seed: 42 -> 7`. */
export interface Revision {
  readonly stage: string;
  readonly changes: readonly string[];
}

/**
 * What the file of a pipeline says now, beside what was submitted. Pure.
 * @param manifests of the stages, in their order.
 * @throws UsageError when the stages themselves are others: then it is another pipeline.
 */
export function revisions(
  record: Pick<PipelineRecord, 'pipelineId' | 'stages'>,
  manifests: readonly Manifest[],
  planned: readonly PlannedStage[],
): Revision[] {
  const before = record.stages.map(shapeOf);
  const after = planned.map((stage) => shapeOf(stageRecord(stage)));
  const odd = Array.from({ length: Math.max(before.length, after.length) }, (_, at) => at).find(
    (at) => before[at] !== after[at],
  );
  if (odd !== undefined)
    throw new UsageError(
      `the file has other stages than ${record.pipelineId} was submitted with: ${before[odd] ?? 'nothing more'}, and now ${after[odd] ?? 'nothing more'}`,
      'Parameters of a stage may change, and its flags. For other stages submit the file: it is another pipeline.',
    );
  return planned.flatMap(({ stage, plan, input }, at) => {
    const manifest = manifests[at];
    if (manifest === undefined) return [];
    const changes = [
      ...parameterChanges(manifest, plan.parameters),
      ...wordChanges(manifest.trainerFlags, input.trainerFlags),
    ];
    return changes.length === 0 ? [] : [{ stage: stage.name, changes }];
  });
}

/** @throws UsageError when a stage that does not run again was changed: what it has made would belong to no file. */
export function refuseOthers(revised: readonly Revision[], redone: readonly string[]): void {
  const others = revised.filter(({ stage }) => !redone.includes(stage));
  if (others.length === 0) return;
  throw new UsageError(
    `the file changes stages that do not run again, because they have ended well, wait or run:\n  ${others.map(inWords).join('\n  ')}`,
    'Put these back, or submit the file as a pipeline of its own, where every stage runs.',
  );
}

export function inWords({ stage, changes }: Revision): string {
  return `${stage}: ${changes.join(', ')}`;
}

/** What makes it the same stage, in words. */
function shapeOf({ name, phase, trainer, after, when, sources }: StageRecord): string {
  const from = sources.map((source) => `${source.parameter} from ${source.from}`);
  return [
    `${name} (${phase} with ${trainer}`,
    ...(after.length === 0 ? [] : [`after ${after.join(' and ')}${when === 'ok' ? '' : `, ${when}`}`]),
    ...from,
  ]
    .join(', ')
    .concat(')');
}

function parameterChanges(manifest: Manifest, now: Manifest['parameters']): string[] {
  const before = valuesOf(manifest.parameters);
  const after = valuesOf(now);
  return (
    Object.keys({ ...before, ...after })
      .filter((name) => (before[name] ?? null) !== (after[name] ?? null))
      // Nodes that are kept out of all jobs at this moment are no change of the file.
      .filter((name) => name !== 'exclude' || now.exclude?.source !== 'derived')
      // Nor is a parameter that only a newer opsctl has.
      .filter((name) => name in before || now[name]?.source !== 'default')
      .map((name) => `${name}: ${before[name] ?? 'none'} -> ${after[name] ?? 'none'}`)
  );
}

function wordChanges(before: readonly string[], after: readonly string[]): string[] {
  const same = JSON.stringify(before) === JSON.stringify(after);
  return same ? [] : [`flags: ${before.join(' ') || 'none'} -> ${after.join(' ') || 'none'}`];
}
