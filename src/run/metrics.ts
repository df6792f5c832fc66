import { type Reading, readMetricLine, withoutLabels } from './metric-lines.ts';

/** Of a run's resolved parameters only the values matter here. */
type Parameters = Readonly<Record<string, { readonly value: unknown }>>;

export interface Metrics {
  readonly step: number | null;
  readonly totalSteps: number | null;
  readonly epoch: number | null;
  /** Null when none was printed, or when it is not finite: see `diverged`. */
  readonly loss: number | null;
  readonly evalLoss: number | null;
  /** The newest loss or gradient norm is NaN or infinite. */
  readonly diverged: boolean;
  readonly learningRate: number | null;
  readonly gradNorm: number | null;
  readonly tokensPerSecond: number | null;
  /** Tokens per GPU per second. */
  readonly tgs: number | null;
  /** `computed`: from batch size, sequence length and seconds a step; padding counts as tokens, so it is an upper bound. */
  readonly tgsSource: 'log' | 'computed' | null;
  readonly secondsPerStep: number | null;
}

/**
 * The newest values in the (end of a) log. Every metric is the last one printed, whoever printed it; the step of a
 * progress bar counts only for the training's bar, which is the one that has been running longest.
 */
export function readMetrics(log: string, parameters: Parameters = {}): Metrics {
  // A bar has no line end, so a dictionary from standard output may follow it at once.
  const readings = log.split(/[\r\n]+|(?=\{')/).flatMap((line) => readMetricLine(withoutLabels(line)) ?? []);
  const bars = readings.filter((reading) => reading.barSeconds !== undefined);
  const longest = Math.max(...bars.map((bar) => bar.barSeconds ?? 0));
  const training = bars.find((bar) => bar.barSeconds === longest)?.totalSteps;
  const counted = readings.filter(
    (reading) => reading.barSeconds === undefined || reading.totalSteps === training,
  );
  const newest: Reading = Object.assign({}, ...counted);
  return { ...finite(newest), ...throughput(newest, parameters) };
}

function finite(newest: Reading): Omit<Metrics, 'tokensPerSecond' | 'tgs' | 'tgsSource'> {
  const isBroken = (value: number | undefined): boolean => value !== undefined && !Number.isFinite(value);
  return {
    step: known(newest.step),
    totalSteps: known(newest.totalSteps),
    epoch: known(newest.epoch),
    loss: known(newest.loss),
    evalLoss: known(newest.evalLoss),
    diverged: isBroken(newest.loss) || isBroken(newest.gradNorm),
    learningRate: known(newest.learningRate),
    gradNorm: known(newest.gradNorm),
    secondsPerStep: known(newest.secondsPerStep),
  };
}

function known(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

/** Names under which the trainers take the same thing. */
const BATCH = ['per_device_train_batch_size', 'micro_batch_size', 'micro_train_batch_size'];
const ACCUMULATION = ['gradient_accumulation_steps'];
const LENGTH = [
  'max_seq_length',
  'max_seq_len',
  'max_length',
  'model_max_length',
  'cutoff_len',
  'seq_length',
  'max_len',
];

type Throughput = Pick<Metrics, 'tokensPerSecond' | 'tgs' | 'tgsSource'>;

function throughput(newest: Reading, parameters: Parameters): Throughput {
  const gpus = worldSize(parameters);
  const printed = known(newest.tokensPerSecond);
  const tgs = known(newest.tgs) ?? (printed !== null && gpus !== undefined ? printed / gpus : null);
  if (tgs !== null) return { tokensPerSecond: printed ?? times(tgs, gpus), tgs, tgsSource: 'log' };
  const length = parameter(parameters, LENGTH);
  const ownBatch = parameter(parameters, BATCH);
  // Megatron prints the samples of a step over all GPUs; the others' are parameters, for each GPU.
  const batch =
    newest.globalBatchSize !== undefined && gpus !== undefined
      ? newest.globalBatchSize / gpus
      : ownBatch && ownBatch * (parameter(parameters, ACCUMULATION) ?? 1);
  const computed =
    length && batch && newest.secondsPerStep
      ? tokensPerGpuPerSecond(length, batch, newest.secondsPerStep)
      : null;
  return {
    tokensPerSecond: printed ?? times(computed, gpus),
    tgs: computed,
    tgsSource: computed === null ? null : 'computed',
  };
}

/** Tokens per GPU per second of steps that each take `batch` samples of `length` tokens a GPU. */
export function tokensPerGpuPerSecond(length: number, batch: number, secondsPerStep: number): number {
  return (length * batch) / secondsPerStep;
}

function times(perGpu: number | null, gpus: number | undefined): number | null {
  return perGpu === null || gpus === undefined ? null : perGpu * gpus;
}

/** Training processes of a node: one a GPU, or as many as were asked for on CPUs. */
export function processesPerNode(parameters: Parameters): number | undefined {
  return (
    parameter(parameters, ['gpus_per_node']) ??
    parameter(parameters, ['processes_per_node', 'nproc_per_node'])
  );
}

function worldSize(parameters: Parameters): number | undefined {
  const nodes = parameter(parameters, ['nodes']);
  const processes = processesPerNode(parameters);
  return nodes && processes && nodes * processes;
}

/** The first of the named parameters that is a positive number. */
function parameter(parameters: Parameters, names: readonly string[]): number | undefined {
  const values = names.map((name) => Number(parameters[name]?.value ?? Number.NaN));
  return values.find((value) => value > 0);
}
