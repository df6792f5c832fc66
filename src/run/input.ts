import { existsSync } from 'node:fs';
import type { LoadedConfig } from '../config/load.ts';
import { UsageError } from '../errors.ts';
import { packageRoot } from '../system/package.ts';
import { home, type System } from '../system/system.ts';
import { listParameterNames, listPhases, type Template } from '../template/load.ts';
import type { Given } from '../template/parameter.ts';
import { type Layer, resolveParameters } from '../template/resolve.ts';
import { didYouMean } from '../terminal/suggest.ts';
import { version } from '../version.ts';
import { liveExclusions } from './exclusions.ts';
import { loadGateChecks } from './gate-checks.ts';
import { type PlanInput, valuesOf } from './plan.ts';
import { refuseSecrets } from './secrets.ts';
import { chosenFlags } from './version-flags.ts';

/**
 * What a plan needs, from a template and what was given for it. The one way from words to a plan, so a key is refused here,
 * before a script is made, shown or written.
 * @param layers stronger than the profile's, weakest first.
 * @throws UsageError for what cannot be, and for a key.
 */
export async function inputFrom(
  system: System,
  { config, template }: { readonly config: LoadedConfig; readonly template: Template },
  layers: readonly Layer[],
  trainerFlags: readonly string[],
): Promise<PlanInput> {
  const around = { cwd: system.cwd, home: home(system.env), exists: existsSync };
  const all = [sbatchLayer(system.env), ...(await profileLayers(system, config, template)), ...layers];
  const parameters = resolveParameters(template.parameters, all, around);
  const values = valuesOf(parameters);
  refuseSecrets(values, trainerFlags);
  const flags = await chosenFlags(system.env, template, values.trainer_version);
  return {
    template,
    parameters,
    checks: await loadGateChecks(system, config.profile, template, parameters),
    trainerFlags,
    profile: config.profile,
    now: system.now(),
    version: version(),
    packageRoot: packageRoot(),
    excluded: liveExclusions(system).map(({ node }) => node),
    ...(flags ? { flags } : {}),
  };
}

/** sbatch(1), INPUT ENVIRONMENT VARIABLES: what sites tell their users to export, by parameter. */
const OF_SBATCH = {
  account: 'SBATCH_ACCOUNT',
  partition: 'SBATCH_PARTITION',
  qos: 'SBATCH_QOS',
  reservation: 'SBATCH_RESERVATION',
} as const;

/**
 * The user's own defaults for sbatch. To sbatch they are stronger than the script, so it never sees them; here they are
 * weaker than everything that was written down for opsctl. Inside a job they may be that job's.
 */
function sbatchLayer(env: System['env']): Layer {
  const values = Object.entries(OF_SBATCH).flatMap(([name, where]) => {
    const value = env.SLURM_JOB_ID === undefined ? env[where] : undefined;
    return value ? [[name, { value, where }] as const] : [];
  });
  return {
    source: 'environment',
    values: Object.fromEntries(values),
    allowed: new Set(Object.keys(OF_SBATCH)),
  };
}

/** A profile serves every template, so it may name parameters that only another one has; a name that none has is a slip. */
async function profileLayers(system: System, config: LoadedConfig, template: Template): Promise<Layer[]> {
  const [strange] = strangePhases(system, config, template.phase);
  if (strange !== undefined) throw new UsageError(strange);
  const given = [config.defaults, config.phases[template.phase] ?? {}];
  const own = new Set(template.parameters.map((parameter) => parameter.name));
  const foreign = given
    .flatMap((values) => Object.keys(values))
    .filter((name) => !own.has(name) && name !== 'trainer');
  const allowed = new Set(['trainer', ...(foreign.length > 0 ? await listParameterNames(system.env) : [])]);
  return [environmentOf(config), ...given].map((values) => ({ source: 'profile', values, allowed }));
}

/**
 * What is wrong with names under the profile's `phases`: a sentence for each that no template has.
 * @param own the phase that is known to be there.
 */
export function strangePhases(
  system: System,
  { phases, origin }: Pick<LoadedConfig, 'phases' | 'origin'>,
  own?: string,
): string[] {
  const unsure = Object.keys(phases).filter((phase) => phase !== own);
  // Not looked for on the disk where there is nothing to ask.
  const there = unsure.length > 0 ? listPhases(system.env) : [];
  return unsure
    .filter((phase) => !there.includes(phase))
    .map((phase) => `${origin(['phases', phase])}: there is no phase "${phase}".${didYouMean(phase, there)}`);
}

/** What the profile says of the jobs' surroundings, under the names of the template's parameters. */
function environmentOf({ profile, environment, origin }: LoadedConfig): Record<string, Given> {
  const known = {
    data_root: { value: profile.data_root, where: origin(['data_root']) },
    secrets_file: { value: profile.secrets_file, where: origin(['secrets_file']) },
    socket_ifname: { value: profile.network.socket_ifname, where: origin(['network', 'socket_ifname']) },
    container_runtime: {
      value: profile.container === 'none' ? null : profile.container,
      where: origin(['container']),
    },
    ib_hca: { value: profile.network.ib_hca, where: origin(['network', 'ib_hca']) },
  };
  const given = Object.entries(known).filter(([, { value }]) => value !== null);
  return { ...environment, ...Object.fromEntries(given) };
}
