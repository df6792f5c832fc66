/** What one line of a trainer's log tells. Numbers may be NaN or infinite: that is what a diverged run prints. */
export interface Reading {
  readonly step?: number;
  readonly totalSteps?: number;
  readonly epoch?: number;
  readonly loss?: number;
  readonly evalLoss?: number;
  readonly learningRate?: number;
  readonly gradNorm?: number;
  readonly tokensPerSecond?: number;
  readonly tgs?: number;
  readonly secondsPerStep?: number;
  /** Samples a step over all GPUs. */
  readonly globalBatchSize?: number;
  /** Seconds that a progress bar has been running: of several bars the training's is the oldest. */
  readonly barSeconds?: number;
}

const NUMBER = String.raw`[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|nan|inf(?:inity)?)`;

/** Reads one line, without its rank label, of any trainer that opsctl knows; undefined when it holds no metric. */
export function readMetricLine(line: string): Reading | undefined {
  return (
    readBar(line) ?? readPairs(line) ?? readDictionary(line) ?? readMegatron(line) ?? readDeepSpeed(line)
  );
}

/** The label that srun and torchrun put before a line: `3: [default1]:text`. */
const LABELS = /^\s*(?:\d+: ?)?(?:\[[A-Za-z_]+\d+\]: ?)?/;

export function withoutLabels(line: string): string {
  return line.replace(LABELS, '');
}

/**
 * A progress bar of tqdm without a title, as HF Trainer shows it: ` 12%|█▏   | 12/100 [00:31<03:40, 2.61s/it]`.
 * Bars with a title count files, shards or samples.
 */
function readBar(line: string): Reading | undefined {
  const match = /^\s*\d+%\|[^|]*\| *(\d+)\/(\d+) \[([\d:]+)<[^,\]]*(?:, *([\d.]+)(s\/it|it\/s))?/.exec(line);
  if (!match) return undefined;
  const [, step, total, elapsed = '0', rate, unit] = match;
  const pace = rate === undefined ? Number.NaN : unit === 's/it' ? Number(rate) : 1 / Number(rate);
  return {
    step: Number(step),
    totalSteps: Number(total),
    barSeconds: elapsed.split(':').reduce((seconds, part) => seconds * 60 + Number(part), 0),
    ...(pace > 0 && Number.isFinite(pace) ? { secondsPerStep: pace } : {}),
  };
}

/** The example trainer: `step=10/200 epoch=0.31 loss=2.1034 lr=4.9e-04 …`. */
function readPairs(line: string): Reading | undefined {
  const start = /^step=(\d+)\/(\d+) /.exec(line);
  if (!start) return undefined;
  return {
    step: Number(start[1]),
    totalSteps: Number(start[2]),
    ...fields(line, {
      epoch: 'epoch=',
      loss: ' loss=',
      learningRate: ' lr=',
      gradNorm: 'grad_norm=',
      tokensPerSecond: 'tokens_per_second=',
      tgs: 'tgs=',
      secondsPerStep: 'seconds_per_step=',
    }),
  };
}

/** HF Trainer's log: a Python dictionary, its numbers in quotes since transformers 5. Its last one sums up the run and is none. */
function readDictionary(line: string): Reading | undefined {
  const match = /\{'(?:loss|eval_loss)':.*\}/.exec(line);
  if (!match) return undefined;
  return fields(match[0], {
    loss: "'loss': '?",
    evalLoss: "'eval_loss': '?",
    gradNorm: "'grad_norm': '?",
    learningRate: "'learning_rate': '?",
    epoch: "'epoch': '?",
  });
}

/** Megatron: ` iteration       10/     500 | … | elapsed time per iteration (ms): 1234.5 | … | lm loss: 1.2E+00 | …`. */
function readMegatron(line: string): Reading | undefined {
  const start = /\biteration\s+(\d+)\/\s*(\d+) \|/.exec(line);
  if (!start) return undefined;
  const found = fields(line, {
    secondsPerStep: String.raw`elapsed time per iteration \(ms\): *`,
    learningRate: 'learning rate: *',
    globalBatchSize: 'global batch size: *',
    loss: '(?:lm|reduced_train) loss: *',
    gradNorm: 'grad norm: *',
    tokensPerSecond: 'tokens(?:/| per )s(?:ec(?:ond)?)?: *',
  });
  const milliseconds = found.secondsPerStep;
  return {
    step: Number(start[1]),
    totalSteps: Number(start[2]),
    ...found,
    ...(milliseconds === undefined ? {} : { secondsPerStep: milliseconds / 1000 }),
  };
}

/**
 * DeepSpeed's engine (`[Rank 0] step=10, skipped=0, lr=[9.65e-06]`) counts steps; DeepSpeed-Chat's own lines count
 * micro batches from 0 in every epoch, so only their losses are taken: of step 1 and of the actor in step 3.
 */
function readDeepSpeed(line: string): Reading | undefined {
  const engine = /\[Rank 0\] step=(\d+), skipped=\d+, lr=\[([\d.eE+-]+)/.exec(line);
  if (engine) return { step: Number(engine[1]), learningRate: Number(engine[2]) };
  if (!/^Epoch: \d+\b.*\bStep: \d+/.test(line)) return undefined;
  return fields(line, { epoch: '^Epoch: ', loss: '(?:\\bloss = |Actor Loss: )' });
}

type Patterns = Partial<Record<keyof Reading, string>>;

/** The numbers that stand behind the given patterns. */
function fields(line: string, patterns: Patterns): Reading {
  const found: [string, number][] = [];
  for (const [name, pattern] of Object.entries(patterns)) {
    const text = new RegExp(`${pattern}(${NUMBER})(?![\\w.])`, 'i').exec(line)?.[1];
    if (text !== undefined) found.push([name, toNumber(text)]);
  }
  return Object.fromEntries(found);
}

/** Python writes `nan`, `inf` and `-inf`. */
function toNumber(text: string): number {
  const word = text.toLowerCase();
  if (word.endsWith('nan')) return Number.NaN;
  if (word.includes('inf')) return word.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(word);
}
