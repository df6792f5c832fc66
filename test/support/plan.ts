import { type Profile, profileSchema } from '../../src/config/schema.ts';
import { loadGateChecks } from '../../src/run/gate-checks.ts';
import { type Plan, planRun } from '../../src/run/plan.ts';
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
  const system = { ...realSystem(), env: { HOME: '/nowhere' } };
  return planRun({
    template,
    parameters,
    checks: await loadGateChecks(system, profile, template, parameters),
    trainerFlags: more.trainerFlags ?? [],
    profile,
    now: new Date(2026, 4, 24, 3, 56, 12),
    version: '0.0.0',
    packageRoot: '/opt/opsctl',
    upstream: more.upstream ?? [],
  });
}
