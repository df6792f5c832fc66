import { loadConfig } from '../config/load.ts';
import { codeState } from '../run/code.ts';
import type { Manifest } from '../run/manifest.ts';
import type { PlanInput } from '../run/plan.ts';
import { findRun } from '../run/registry.ts';
import type { System } from '../system/system.ts';
import { loadTemplate } from '../template/load.ts';
import type { Given } from '../template/parameter.ts';
import { parseSettings } from '../template/resolve.ts';
import { type Arguments, type Context, text, texts } from './command.ts';
import { inputFrom } from './run-template.ts';

/**
 * What a run was given, once more: phase, trainer, every parameter but the name, and the trainer's own flags.
 * @throws UsageError when there is no such run, or for a setting that cannot be.
 */
export async function rerunInput(args: Arguments, context: Context): Promise<PlanInput> {
  const { system, terminal } = context;
  const manifest = await findRun(system, text(args, 'run') ?? '');
  const [config, template] = await Promise.all([
    loadConfig(system, context.options),
    loadTemplate(system.env, manifest.phase, manifest.trainer, manifest.stage),
  ]);
  const known = new Set(template.parameters.map(({ name }) => name));
  const before = Object.entries(manifest.parameters).filter(([name]) => name !== 'name');
  const gone = before.filter(([name, { value }]) => !known.has(name) && value !== null);
  for (const [name, { value }] of gone)
    terminal.warn(`warning: ${name}=${value} is left out: the template has no such parameter any more`);
  const values = before.map(([name, { value }]): [string, Given] => [
    name,
    { value, where: `the run ${manifest.runId}` },
  ]);
  const changed = await codeChange(system, manifest);
  if (changed !== undefined) terminal.warn(`warning: ${changed}`);
  return inputFrom(
    system,
    { config, template },
    [
      {
        source: 'recipe',
        values: Object.fromEntries(values),
        allowed: new Set(before.map(([name]) => name)),
      },
      { source: 'set', values: parseSettings(texts(args, 'set')) },
    ],
    manifest.trainerFlags,
  );
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
  if (now.dirty !== before.dirty)
    return `the code in ${before.directory} has ${now.dirty ? 'uncommitted changes that it did not have' : 'no uncommitted changes, and had some'}`;
  return undefined;
}
