import { readdirSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { Profile } from '../config/schema.ts';
import type { ParameterValue } from '../template/parameter.ts';
import type { Inputs } from './compile.ts';

type Values = Readonly<Record<string, ParameterValue>>;

/** Paths that are data, written, or read by the job's shell: they are asked for under another name. */
const OTHERWISE = new Set(['data', 'output', 'data_root']);

/**
 * What the checks are told of a run, with what is known only by looking at its model.
 * @param paths names of its parameters that are paths.
 */
export function inputsOf(values: Values, paths: readonly string[]): Inputs {
  const kept = Number(values.save_total_limit ?? 1);
  return {
    ...plainInputs(values, paths),
    CHECK_CHECKPOINT_GIB: String(checkpointGib(String(values.model ?? ''), kept)),
  };
}

/** What the checks are told of a run, by its parameters alone. Pure. */
export function plainInputs(values: Values, paths: readonly string[]): Inputs {
  const text = (name: string): string => String(values[name] ?? '');
  const read = paths.filter((name) => !OTHERWISE.has(name) && isAbsolute(text(name))).map(text);
  const online = text('report_to') === 'wandb' && values.offline !== true;
  return {
    CHECK_NODES: text('nodes') || '1',
    CHECK_GPUS: text('gpus_per_node') || '0',
    CHECK_PARTITION: text('partition'),
    CHECK_ACCOUNT: text('account'),
    CHECK_QOS: text('qos'),
    CHECK_OUTPUT: text('output'),
    CHECK_WRITE_PATHS: [text('output'), text('data_root')].filter((path) => path !== '').join('\n'),
    CHECK_READ_PATHS: [...read, ...(isAbsolute(text('model')) ? [text('model')] : [])].join('\n'),
    CHECK_DATA_PATHS: text('data'),
    CHECK_DATA_SUFFIX: text('data_suffix'),
    CHECK_PYTHON: text('python') || 'python3',
    CHECK_MODULES: 'torch',
    CHECK_WANDB: online ? 'yes' : 'no',
    CHECK_HF:
      values.offline === true || isAbsolute(text('model')) || !text('model').includes('/') ? 'no' : 'yes',
  };
}

/** What the profile knows where there is no run. */
export function inputsOfProfile(profile: Profile): Inputs {
  return {
    CHECK_PYTHON: profile.environment.python,
    ...(profile.data_root === null
      ? {}
      : { CHECK_OUTPUT: profile.data_root, CHECK_WRITE_PATHS: profile.data_root }),
  };
}

/** Weights are two bytes a parameter; a checkpoint has them and Adam's state: master weights and two moments, four bytes each. */
const CHECKPOINT_TO_WEIGHTS = 7;
const GIB = 2 ** 30;

/** GiB that the checkpoints of a run will take: those kept, and one more while it is written. 0 where the model is no directory. */
export function checkpointGib(model: string, kept: number): number {
  if (!isAbsolute(model)) return 0;
  let bytes = 0;
  try {
    for (const name of readdirSync(model))
      if (/\.(?:safetensors|bin|pth?)$/.test(name)) bytes += statSync(join(model, name)).size;
  } catch {
    // The check of the paths tells that the model cannot be read.
    return 0;
  }
  return Math.ceil((bytes * CHECKPOINT_TO_WEIGHTS * (Math.max(1, kept) + 1)) / GIB);
}
