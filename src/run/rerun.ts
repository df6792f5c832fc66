import { type ConfigChoice, loadConfig } from '../config/load.ts';
import type { System } from '../system/system.ts';
import { loadTemplate, type Template } from '../template/load.ts';
import type { Given } from '../template/parameter.ts';
import type { Layer } from '../template/resolve.ts';
import { codeState } from './code.ts';
import { inputFrom } from './input.ts';
import type { Manifest } from './manifest.ts';
import type { PlanInput } from './plan.ts';

export interface Rerun {
  readonly template: Template;
  /**
   * What the run was given, with what is to differ.
   * @throws UsageError for a setting that cannot be.
   */
  readonly inputWith: (settings: Readonly<Record<string, Given>>) => Promise<PlanInput>;
  /** What a person should know: sentences. */
  readonly warnings: readonly string[];
}

/**
 * What a run was given, once more: phase, trainer, every parameter but the name, and the trainer's own flags. Nodes that
 * were excluded for a while when it was submitted are not: what holds now is looked up anew.
 */
export async function rerunOf(system: System, choice: ConfigChoice, manifest: Manifest): Promise<Rerun> {
  const [config, template] = await Promise.all([
    loadConfig(system, choice),
    loadTemplate(system.env, manifest.phase, manifest.trainer, manifest.stage),
  ]);
  const known = new Set(template.parameters.map(({ name }) => name));
  const before = Object.entries(manifest.parameters).filter(
    ([name, { source }]) => name !== 'name' && !(name === 'exclude' && source === 'derived'),
  );
  const gone = before.filter(([name, { value }]) => !known.has(name) && value !== null);
  const values = before.map(([name, { value }]): [string, Given] => [
    name,
    { value, where: `the run ${manifest.runId}` },
  ]);
  const recipe: Layer = {
    source: 'recipe',
    values: Object.fromEntries(values),
    allowed: new Set(before.map(([name]) => name)),
  };
  const left = gone.map(
    ([name, { value }]) => `${name}=${value} is left out: the template has no such parameter any more`,
  );
  const changed = await codeChange(system, manifest);
  return {
    template,
    inputWith: (settings) =>
      inputFrom(
        system,
        { config, template },
        [recipe, { source: 'set', values: settings }],
        manifest.trainerFlags,
      ),
    warnings: [...left, ...(changed === undefined ? [] : [changed])],
  };
}

/** In words, how the code differs from that of the run; undefined when it does not, as far as git can tell. */
async function codeChange(system: System, { code }: Manifest): Promise<string | undefined> {
  const [before] = code;
  if (before === undefined) return undefined;
  const now = (await codeState(system, before.directory))?.git;
  const short = (commit: string) => commit.slice(0, 12);
  if (now === undefined) return `the code in ${before.directory} is no git checkout any more`;
  if (now.commit !== before.commit)
    return `the code is another: ${short(now.commit)} instead of ${short(before.commit)} in ${before.directory}`;
  if (before.diffMissing !== undefined)
    return `the code in ${before.directory} had uncommitted changes that were not kept: ${before.diffMissing}`;
  if (now.dirty !== before.dirty)
    return `the code in ${before.directory} has ${now.dirty ? 'uncommitted changes that it did not have' : 'no uncommitted changes, and had some'}`;
  return undefined;
}
