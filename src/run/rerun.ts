import { type ConfigChoice, loadConfig } from '../config/load.ts';
import type { System } from '../system/system.ts';
import { loadTemplate } from '../template/load.ts';
import type { Given } from '../template/parameter.ts';
import { codeState } from './code.ts';
import { inputFrom } from './input.ts';
import type { Manifest } from './manifest.ts';
import type { PlanInput } from './plan.ts';

/**
 * What a run was given, once more: phase, trainer, every parameter but the name, and the trainer's own flags. Nodes that
 * were excluded for a while when it was submitted are not: what holds now is looked up anew.
 * @param settings what is to differ.
 * @returns also what a person should know: sentences.
 * @throws UsageError for a setting that cannot be.
 */
export async function rerunInput(
  system: System,
  choice: ConfigChoice,
  manifest: Manifest,
  settings: Readonly<Record<string, Given>>,
): Promise<{ input: PlanInput; warnings: readonly string[] }> {
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
  const changed = await codeChange(system, manifest);
  const input = await inputFrom(
    system,
    { config, template },
    [
      {
        source: 'recipe',
        values: Object.fromEntries(values),
        allowed: new Set(before.map(([name]) => name)),
      },
      { source: 'set', values: settings },
    ],
    manifest.trainerFlags,
  );
  const left = gone.map(
    ([name, { value }]) => `${name}=${value} is left out: the template has no such parameter any more`,
  );
  return { input, warnings: [...left, ...(changed === undefined ? [] : [changed])] };
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
