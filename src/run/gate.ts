import { join } from 'node:path';
import type { Check } from '../health/check-schema.ts';
import type { Inputs } from '../health/compile.ts';
import { plainInputs } from '../health/inputs.ts';
import { standalone } from '../health/standalone.ts';
import type { PlainValue } from '../template/context.ts';
import type { Template } from '../template/load.ts';
import type { ParameterValue } from '../template/parameter.ts';
import { dataLists } from './mixture.ts';

type Values = Readonly<Record<string, ParameterValue>>;

/** What the nodes are asked before the launcher starts: a file of its own beside the job's script. */
export interface Gate {
  readonly path: string;
  readonly script: string;
  /** Ids of the checks in it. */
  readonly checks: readonly string[];
}

/** On every node of every run. */
const ALWAYS = ['paths', 'tmp', 'limits', 'host', 'mounts', 'kernel'];

/**
 * The package's checks that a run needs of its nodes; none when it asks for no gate. What depends on the surroundings of
 * the trainer is not asked where those are a container's own.
 */
export function gateChecks({ phase }: Pick<Template, 'phase'>, values: Values): string[] {
  if (values.gate === 'off') return [];
  const isTraining = !phase.startsWith('data-');
  const hasGpus = Number(values.gpus_per_node) > 0;
  const isOutside = typeof values.container_image !== 'string';
  return [
    ...ALWAYS,
    ...(isTraining ? ['shm'] : []),
    ...(hasGpus ? ['gpu'] : []),
    ...(hasGpus && Number(values.nodes) > 1 ? ['infiniband', 'nccl-net'] : []),
    ...(isOutside && buildsExtensions(values) ? ['cxx'] : []),
    ...(isOutside && values.report_to === 'wandb' ? ['wandb'] : []),
    ...(isOutside && isFromHub(phase, values) ? ['hf'] : []),
  ];
}

/** Whether the model is a name on the hub, which is downloaded or found in the cache of the Hugging Face libraries. */
export function isFromHub(phase: string, values: Values): boolean {
  const model = String(values.model);
  return !phase.startsWith('data-') && !model.startsWith('/') && model.includes('/');
}

/** DeepSpeed builds its optimizers with the node's compiler when they are first used. */
export function buildsExtensions(values: Values): boolean {
  const usesDeepSpeed = values.zero_stage !== undefined || /^zero\d/.test(String(values.strategy));
  return usesDeepSpeed && Number(values.gpus_per_node) > 0;
}

/**
 * The gate of a run. The nodes that a job gets are known only then: who its peers are comes from the job's script.
 * @returns null when nothing is asked.
 */
export function gateOf(
  checks: readonly Check[],
  template: Pick<Template, 'parameters'>,
  values: Values,
  run: { readonly id: string; readonly dir: string },
): Gate | null {
  if (checks.length === 0) return null;
  const by = `Written by opsctl for the run ${run.id}, whose job asks this of every node before it starts.`;
  return {
    path: join(run.dir, 'gate.sh'),
    script: standalone(checks, 'gate', { inputs: gateInputs(template, values, run.dir), by }),
    checks: checks.map(({ id }) => id),
  };
}

/** The run's own directory is read too: a node that does not see it would write its part elsewhere. */
function gateInputs({ parameters }: Pick<Template, 'parameters'>, values: Values, dir: string): Inputs {
  const paths = parameters.filter(({ type }) => type === 'path' || type === 'model').map(({ name }) => name);
  const plain = plainInputs(values, paths);
  const own = typeof values.data === 'string' && values.data.startsWith('/') ? [values.data] : [];
  const data = [...own, ...dataLists(values).map(({ directory }) => directory)];
  const read = [dir, ...data, ...(plain.CHECK_READ_PATHS ?? '').split('\n')].filter((path) => path !== '');
  return {
    ...plain,
    CHECK_OUTPUT: dir,
    CHECK_READ_PATHS: [...new Set(read)].join('\n'),
    CHECK_WRITE_PATHS: [dir, ...(typeof values.data_root === 'string' ? [values.data_root] : [])].join('\n'),
    CHECK_GPUS_IDLE: values.exclusive === true ? 'yes' : 'no',
    CHECK_CUDA_BUILD: buildsExtensions(values) ? 'yes' : 'no',
  };
}

/** What a run's manifest holds of its gate. */
export function gateRecord(gate: Gate | null): { gate?: Pick<Gate, 'path' | 'checks'> } {
  return gate === null ? {} : { gate: { path: gate.path, checks: gate.checks } };
}

/** What templates/partials/gate.hbs reads. A finding of these is the run's own when its only node shows it. */
export function gateContext(checks: readonly Check[]): PlainValue {
  if (checks.length === 0) return null;
  return {
    of_run: checks.filter(({ level }) => level === 'run').map(({ id }) => id),
    peers: checks.some(({ inputs = [] }) => inputs.includes('CHECK_PEER_ADDRESSES')),
  };
}
