import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPSCTL, run, startSandbox, type TestSandbox, until } from './support.ts';

// Each phase once, with the example trainer, for real: all are submitted at once and share the machine's two cores.
let slurm: TestSandbox;
const states = new Map<string, string>();

const SMALL = ['--max-steps', '6', '--save-steps', '3', '--time', '10:00'];
const TWO = ['--nodes', '2', '--processes-per-node', '1'];

interface Submitted {
  readonly name: string;
  /** Behind `opsctl submit`. */
  readonly words: readonly string[];
  /** What its log must say at the end. */
  readonly says: RegExp;
  readonly after?: string;
}

/** A start model is taken from the run before it, as in a real chain. */
const RUNS: readonly Submitted[] = [
  {
    name: 'clean',
    words: ['data-clean', '--data', 'data/text', '--kind', 'text'],
    says: /Total tokens for corpus: [1-9]/,
  },
  {
    name: 'prepare',
    words: ['data-prepare', '--data', 'data/text', '--kind', 'text'],
    says: /Total tokens for /,
  },
  {
    name: 'pretrain',
    words: ['pretrain', '--data', 'data/text', ...SMALL, ...TWO],
    says: /finished step=6 /,
  },
  {
    // Every list of data, and both kinds of it in one batch.
    name: 'sft',
    words: [
      ...['sft', '--data', 'data/sft', ...SMALL, ...TWO],
      ...['--pretrain-data', '@/data/text', '--pretrain-data-suffix', '.jsonl'],
      ...['--eval-data', '@/data/sft', '--eval-data-suffix', '.jsonl'],
      ...['--eval-pretrain-data', '@/data/text', '--eval-pretrain-data-suffix', '.jsonl'],
    ],
    says: /\bfiles=4 [\s\S]*finished step=6 /,
  },
  {
    name: 'dpo',
    words: ['dpo', '--model', 'tiny', '--data', 'data/pairs', ...SMALL, ...TWO],
    says: /finished step=6 /,
  },
  {
    name: 'reward',
    words: ['rlhf', '--stage', 'reward', '--model', 'tiny', '--data', 'data/pairs', ...SMALL],
    says: /finished step=6 /,
  },
  {
    name: 'grpo',
    words: ['rlhf', '--stage', 'grpo', '--model', 'tiny', '--data', 'data/prompts', ...SMALL],
    says: /reward=.*\n[\s\S]*finished step=6 /,
  },
  {
    name: 'cpt',
    after: 'pretrain',
    words: ['cpt', '--model', 'runs/pretrain', '--data', 'data/text', ...SMALL],
    says: /finished step=6 /,
  },
  {
    name: 'ppo',
    after: 'reward',
    words: [
      'rlhf',
      '--stage',
      'ppo',
      '--model',
      'tiny',
      '--reward-model',
      'runs/reward',
      '--data',
      'data/prompts',
      ...SMALL,
    ],
    says: /reward=.*\n[\s\S]*finished step=6 /,
  },
];

async function submit({ name, words }: Submitted): Promise<void> {
  const { code, stderr } = await slurm.opsctl([
    'submit',
    ...words.map((word) => word.replace(/^@/, slurm.root)),
    '-t',
    'example',
    '--output',
    'runs',
    '--name',
    name,
    '--python',
    '/usr/bin/python3',
  ]);
  expect(code, `${name}: ${stderr}`).toBe(0);
}

async function ended(name: string): Promise<string> {
  return until(
    `${name} ends`,
    async () => {
      const { stdout } = await slurm.opsctl(['status', name, '--json']);
      const { state } = JSON.parse(stdout) as { state: string };
      return /^(?:PENDING|RUNNING|COMPLETING|CONFIGURING)/.test(state) ? undefined : state;
    },
    150_000,
  );
}

beforeAll(async () => {
  slurm = await startSandbox(['--nodes', '4']);
  mkdirSync(join(slurm.root, 'data'));
  for (const kind of ['text', 'sft', 'pairs', 'prompts']) {
    const made = await run([
      '/usr/bin/python3',
      join(OPSCTL, '..', '..', 'examples', 'lm', 'make_data.py'),
      '--kind',
      kind,
      '--out',
      join(slurm.root, 'data', kind),
      '--samples',
      '64',
      '--files',
      '2',
      '--seed',
      '1',
    ]);
    expect(made, made.stderr).toMatchObject({ code: 0 });
  }
  for (const each of RUNS.filter(({ after }) => after === undefined)) await submit(each);
  for (const each of RUNS.filter(({ after }) => after !== undefined)) {
    states.set(each.after ?? '', await ended(each.after ?? ''));
    await submit(each);
  }
}, 240_000);
afterAll(() => slurm?.down());

describe('every phase with the example trainer', () => {
  it.each(RUNS)('$name runs to its end on the cluster', async ({ name, says }) => {
    const state = states.get(name) ?? (await ended(name));
    const directory = join(slurm.root, 'runs', name);
    const log = readFileSync(join(directory, 'logs', 'job.log'), 'utf8');
    expect(state, log.slice(-3000)).toBe('COMPLETED');
    expect(log).toMatch(says);
    if (name === 'clean' || name === 'prepare') return;
    const { stdout } = await slurm.opsctl(['status', name, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ metrics: { step: 6 } });
    const final = readdirSync(join(directory, 'checkpoints')).find((entry) => entry.startsWith('final_'));
    expect(existsSync(join(directory, 'checkpoints', final ?? 'none', 'trainer_state.json'))).toBe(true);
  });
});
