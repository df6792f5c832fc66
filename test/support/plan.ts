import { type Profile, profileSchema } from '../../src/config/schema.ts';
import type { Check } from '../../src/health/check-schema.ts';
import { gateChecks } from '../../src/run/gate.ts';
import { loadGateChecks } from '../../src/run/gate-checks.ts';
import { type Plan, planRun, valuesOf } from '../../src/run/plan.ts';
import type { Upstream } from '../../src/run/upstream.ts';
import { realSystem } from '../../src/system/system.ts';
import { loadTemplate } from '../../src/template/load.ts';
import { type Layer, resolveParameters } from '../../src/template/resolve.ts';

export const PARTITION: Profile['partitions'][string] = {
  default: true,
  max_time: '7-00:00:00',
  max_nodes: 36,
  nodes: 36,
  gpus_per_node: 8,
  gpu_type: 'a100',
  cpus_per_node: 64,
  memory_mb: 1_000_000,
  allow_accounts: null,
  allow_qos: null,
};

export const PROFILE: Profile = profileSchema.parse({ cluster: 'demo', partitions: { gpu: PARTITION } });

/** A property test makes hundreds of plans, and all of them read the same few files. */
const known = new Map<string, Promise<readonly Check[]>>();

function checksOf(...[profile, template, parameters]: Tail<Parameters<typeof loadGateChecks>>) {
  const key = JSON.stringify([
    profile.limits,
    template.front.limits,
    gateChecks(template, valuesOf(parameters)),
  ]);
  const system = { ...realSystem(), env: { ...process.env, HOME: '/nowhere' } };
  const checks = known.get(key) ?? loadGateChecks(system, profile, template, parameters);
  known.set(key, checks);
  return checks;
}
type Tail<All> = All extends [unknown, ...infer Rest] ? Rest : never;

/** A plan as the command line makes it, with fixed time, version and place. */
export async function planOf(
  trainer: string,
  values: Readonly<Record<string, unknown>>,
  more: {
    profile?: Profile;
    trainerFlags?: readonly string[];
    phase?: string;
    stage?: string | undefined;
    upstream?: readonly Upstream[];
  } = {},
): Promise<Plan> {
  const template = await loadTemplate({ HOME: '/nowhere' }, more.phase ?? 'sft', trainer, more.stage);
  const layer: Layer = {
    source: 'flag',
    values: Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, { value, where: `--${name}` }]),
    ),
  };
  const around = { cwd: '/home/me', home: '/home/me', exists: () => false };
  const profile = more.profile ?? PROFILE;
  const parameters = resolveParameters(template.parameters, [layer], around);
  return planRun({
    template,
    parameters,
    checks: await checksOf(profile, template, parameters),
    trainerFlags: more.trainerFlags ?? [],
    profile,
    now: new Date(2026, 4, 24, 3, 56, 12),
    version: '0.0.0',
    packageRoot: '/opt/opsctl',
    upstream: more.upstream ?? [],
  });
}
