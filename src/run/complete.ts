import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere } from '../system/files.ts';
import type { System } from '../system/system.ts';
import { loadTemplate } from '../template/load.ts';
import { lifecycleOf } from './lifecycle.ts';
import type { Manifest } from './manifest.ts';
import type { CheckpointRule } from './upstream.ts';
import { chosenFlags } from './version-flags.ts';

/** Names of which the trainer's own rule does not speak: they hold weights, written by a rename or at the very end. */
const WEIGHTS = /^(?:norm|bestppl|final)_/;

/** What a complete checkpoint of the run's trainer looks like: its row of the table, or nothing but the usual names. */
export async function checkpointRule(
  system: System,
  { phase, trainer, stage, parameters }: Pick<Manifest, 'phase' | 'trainer' | 'stage' | 'parameters'>,
): Promise<CheckpointRule> {
  const template = await loadTemplate(system.env, phase, trainer, stage);
  const flags = await chosenFlags(system.env, template, parameters.trainer_version?.value);
  return lifecycleOf(template.front.lifecycle, phase, stage, flags)?.checkpoint ?? { name: 'checkpoint-' };
}

/** The same question that the job asks in bash (templates/partials/checkpoints.hbs). */
export async function isCompleteCheckpoint(
  directory: string,
  name: string,
  rule: CheckpointRule,
): Promise<boolean> {
  const files = await readdir(join(directory, name)).catch(() => []);
  const has = (pattern: string): boolean => files.some((file) => globPattern(pattern).test(file));
  if (files.length === 0 || (rule.unfinished ?? []).some(has)) return false;
  if (WEIGHTS.test(name)) return true;
  if (!(rule.complete ?? []).every(has)) return false;
  if (rule.tracker === undefined) return !has('global_step*') || has('latest');
  const tracked = (await readIfThere(join(directory, rule.tracker)))?.replace(/\D/g, '') ?? '';
  return tracked !== '' && Number(tracked) >= Number(/\d+$/.exec(name)?.[0]);
}

/** The words of the table are names with `*` and `?`. */
function globPattern(word: string): RegExp {
  return new RegExp(`^${word.replace(/[.=]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')}$`);
}
