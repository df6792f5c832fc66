import { stat } from 'node:fs/promises';
import { isSiteOwn, loadChecks } from '../health/catalogue.ts';
import { askHere } from '../health/here.ts';
import { inputsOf } from '../health/inputs.ts';
import { applyLimits } from '../health/limits.ts';
import type { Verdict } from '../health/verdict.ts';
import type { System } from '../system/system.ts';
import type { Template } from '../template/load.ts';
import type { ParameterValue } from '../template/parameter.ts';
import { shellWord } from '../template/quote.ts';
import { buildsExtensions, isFromHub } from './gate.ts';
import { limitsOf } from './gate-checks.ts';
import type { PlanInput } from './plan.ts';

type Values = Readonly<Record<string, ParameterValue>>;

/** What sets up the trainer's surroundings on a node, and may bring a compiler, a key or a token that is not here. */
const SURROUNDINGS = ['activate', 'conda_env', 'modules', 'container_image'];

/**
 * The catalogue's questions about a run that the login node answers. Those whose answer may be another one in the
 * trainer's surroundings are left to the nodes where it has any.
 */
export function loginProbes({ phase }: Pick<Template, 'phase'>, values: Values): string[] {
  const isBare = SURROUNDINGS.every((name) => !values[name]);
  return [
    'leaked-env',
    'quota',
    ...(isBare && values.report_to === 'wandb' ? ['wandb'] : []),
    ...(isBare && isFromHub(phase, values) ? ['hf'] : []),
    ...(isBare && buildsExtensions(values) ? ['cxx'] : []),
  ];
}

/** Asks them, and a site's own checks for the login node. */
export async function askLoginProbes(
  system: System,
  { template, profile }: Pick<PlanInput, 'template' | 'profile'>,
  values: Values,
): Promise<Verdict[]> {
  const wanted = loginProbes(template, values);
  const loaded = await loadChecks(system, wanted);
  const checks = loaded.filter((check) =>
    isSiteOwn(check) ? check.scope !== 'node' : wanted.includes(check.id),
  );
  const paths = template.parameters.filter(({ type }) => type === 'path').map(({ name }) => name);
  const verdicts = await askHere(
    system,
    applyLimits(checks, limitsOf(template, profile)),
    inputsOf(values, paths),
    await secretsOf(values),
  );
  // What is wrong with this machine as a node is no fault of a run that others will do.
  const ofNode = new Set(checks.filter(({ level }) => level === 'node').map(({ id }) => id));
  return verdicts.map((one) =>
    one.status === 'critical' && ofNode.has(one.check) ? { ...one, status: 'warning' } : one,
  );
}

/** Reads the keys that the job will have, into the shell of the probes alone; a file that others may read is no such file. */
async function secretsOf({ secrets_file: file }: Values): Promise<string> {
  if (typeof file !== 'string') return '';
  const isPrivate = await stat(file).then(
    ({ mode }) => (mode & 0o177) === 0,
    () => false,
  );
  return isPrivate ? `set -a\nsource ${shellWord(file)} </dev/null\nset +a` : '';
}
