import { describe, expect, it } from 'vitest';
import { readMetricLine, withoutLabels } from '../../src/run/metric-lines.ts';
import { readMetrics, tokensPerGpuPerSecond } from '../../src/run/metrics.ts';

const parameters = (values: Record<string, number>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]));

describe('one line', () => {
  it("reads HF Trainer's dictionary", () => {
    const line = "{'loss': 1.23, 'grad_norm': 0.5, 'learning_rate': 4.9e-06, 'epoch': 0.31}";
    expect(readMetricLine(line)).toEqual({ loss: 1.23, gradNorm: 0.5, learningRate: 4.9e-6, epoch: 0.31 });
  });

  it('reads the quoted numbers of newer transformers', () => {
    const line = "{'loss': '1.234', 'grad_norm': '0.91', 'learning_rate': '5e-05', 'epoch': '0.31'}";
    expect(readMetricLine(line)).toEqual({ loss: 1.234, gradNorm: 0.91, learningRate: 5e-5, epoch: 0.31 });
  });

  it('keeps the evaluation and the final summary apart from the loss', () => {
    expect(readMetricLine("{'eval_loss': 2.5, 'eval_runtime': 1.0, 'epoch': 1.0}")).toEqual({
      evalLoss: 2.5,
      epoch: 1,
    });
    expect(readMetricLine("{'train_runtime': 12.3, 'train_loss': 1.9, 'epoch': 3.0}")).toBeUndefined();
    expect(readMetricLine('eval step=10 loss=2.1000 perplexity=8.1')).toBeUndefined();
  });

  it("reads tqdm's bar in both units, and none with a title", () => {
    expect(readMetricLine(' 12%|█▏        | 12/100 [00:31<03:49,  2.61s/it]')).toEqual({
      step: 12,
      totalSteps: 100,
      barSeconds: 31,
      secondsPerStep: 2.61,
    });
    expect(readMetricLine('100%|██████████| 79/79 [1:00:01<00:00,  4.00it/s]')).toEqual({
      step: 79,
      totalSteps: 79,
      barSeconds: 3601,
      secondsPerStep: 0.25,
    });
    expect(readMetricLine('  0%|          | 0/79 [00:00<?, ?it/s]')).toEqual({
      step: 0,
      totalSteps: 79,
      barSeconds: 0,
    });
    expect(
      readMetricLine('Map: 100%|██████████| 1000/1000 [00:01<00:00, 900.00 examples/s]'),
    ).toBeUndefined();
  });

  it("reads Megatron's iteration line", () => {
    const line =
      ' iteration       10/     500 | consumed samples:          160 | elapsed time per iteration (ms): 1234.5 | learning rate: 1.500E-04 | global batch size:    16 | lm loss: 1.234560E+00 | loss scale: 1.0 | grad norm: 1.200 |';
    expect(readMetricLine(line)).toEqual({
      step: 10,
      totalSteps: 500,
      secondsPerStep: 1.2345,
      learningRate: 1.5e-4,
      globalBatchSize: 16,
      loss: 1.23456,
      gradNorm: 1.2,
    });
  });

  it("reads DeepSpeed's and DeepSpeed-Chat's lines", () => {
    expect(
      readMetricLine(
        '[2024-01-01 10:00:00,000] [INFO] [logging.py:96:log_dist] [Rank 0] step=10, skipped=0, lr=[9.65e-06, 9.65e-06], mom=[(0.9, 0.95)]',
      ),
    ).toEqual({ step: 10, learningRate: 9.65e-6 });
    expect(readMetricLine('Epoch: 0, Step: 12, Rank: 3, loss = 1.5')).toEqual({ epoch: 0, loss: 1.5 });
    expect(
      readMetricLine(
        'Epoch: 0 | Step: 1 | PPO Epoch: 1 | Actor Loss: -0.25 | Critic Loss: 0.5 | Unsupervised Loss: 0.0',
      ),
    ).toEqual({ epoch: 0, loss: -0.25 });
  });

  it("reads the example trainer's line behind the labels of srun and torchrun", () => {
    const line =
      ' 0: [default0]:step=10/200 epoch=0.31 loss=2.1034 lr=4.9e-04 grad_norm=0.91 tokens_per_second=10432 tgs=2608 samples_seen=320';
    expect(readMetricLine(withoutLabels(line))).toEqual({
      step: 10,
      totalSteps: 200,
      epoch: 0.31,
      loss: 2.1034,
      learningRate: 4.9e-4,
      gradNorm: 0.91,
      tokensPerSecond: 10432,
      tgs: 2608,
    });
  });

  it.each(['', 'loss', "{'loss': oops}", 'step=1', "print({'lossy': 1})", 'x'.repeat(100_000)])(
    'finds nothing in line %$ without metrics',
    (line) => expect(Object.keys(readMetricLine(line) ?? {})).toEqual([]),
  );
});

describe('a log', () => {
  it('takes the newest values, and the step of the bar that has run longest', () => {
    const log = [
      " 12%|█▏ | 12/100 [00:31<03:49,  2.61s/it]\r 13%|█▎ | 13/100 [00:34<03:46,  2.60s/it]{'loss': 2.0, 'epoch': 0.1}",
      '100%|███| 5/5 [00:02<00:00,  2.0it/s]',
      "{'eval_loss': 1.9, 'epoch': 0.13}",
    ].join('\n');
    expect(readMetrics(log)).toMatchObject({
      step: 13,
      totalSteps: 100,
      loss: 2,
      evalLoss: 1.9,
      epoch: 0.13,
      secondsPerStep: 2.6,
    });
  });

  it('says that a run whose loss is NaN has diverged', () => {
    expect(readMetrics("{'loss': nan, 'grad_norm': inf, 'epoch': 1.0}")).toMatchObject({
      loss: null,
      diverged: true,
    });
    expect(readMetrics('step=3/9 epoch=1 loss=nan lr=1e-3 grad_norm=nan')).toMatchObject({
      step: 3,
      diverged: true,
    });
  });

  it('knows nothing from an empty log', () => {
    expect(readMetrics('')).toMatchObject({
      step: null,
      loss: null,
      tgs: null,
      tgsSource: null,
      diverged: false,
    });
  });
});

describe('tokens per GPU per second', () => {
  it("gives the fault table's known pairs", () => {
    expect(tokensPerGpuPerSecond(2048, 50, 25)).toBe(4096);
    expect(Math.round(tokensPerGpuPerSecond(2048, 76, 30))).toBe(5188);
  });

  it('is taken from the log where it is printed', () => {
    const log = 'step=1/9 epoch=0 loss=1 lr=1 grad_norm=1 tokens_per_second=1000 tgs=250 samples_seen=1';
    expect(readMetrics(log)).toMatchObject({ tokensPerSecond: 1000, tgs: 250, tgsSource: 'log' });
  });

  it('is else computed from batch, length and pace, and called so', () => {
    const given = parameters({
      nodes: 2,
      gpus_per_node: 8,
      per_device_train_batch_size: 25,
      gradient_accumulation_steps: 2,
      max_seq_length: 2048,
    });
    const bar = ' 12%|█▏ | 12/100 [05:00<36:40, 25.00s/it]';
    expect(readMetrics(bar, given)).toMatchObject({
      tgs: 4096,
      tokensPerSecond: 65_536,
      tgsSource: 'computed',
    });
  });

  it("uses Megatron's own global batch size", () => {
    const line =
      ' iteration 10/ 500 | elapsed time per iteration (ms): 2000.0 | global batch size: 32 | lm loss: 1.0E+00 |';
    const given = parameters({ nodes: 1, gpus_per_node: 8, seq_length: 4096 });
    expect(readMetrics(line, given)).toMatchObject({ tgs: 8192, tgsSource: 'computed' });
  });
});
