import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CASES, type Case, caseName } from '../template/cases.ts';
import { startSandbox, type TestSandbox, until } from './support.ts';

// Ray and vLLM beside a training, on a real Slurm, with stand-ins for `ray` and the Python programs (stand-ins/).
let slurm: TestSandbox;
let jobs: Readonly<Record<string, string>>;

interface Story {
  readonly name: string;
  /** The case of the templates' tests: `rlhf-ppo-openrlhf`. */
  readonly of: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly code: number;
  readonly says: readonly (string | RegExp)[];
}

const STORIES: readonly Story[] = [
  {
    name: 'waits for a slow head, trains and ends',
    of: 'rlhf-ppo-openrlhf',
    env: { RAY_MODE: 'slow-head' },
    code: 0,
    says: ['Ray is ready: 8 GPUs on 2 nodes', 'training begins'],
  },
  {
    name: 'trains with verl',
    of: 'rlhf-ppo-verl',
    code: 0,
    says: ['Ray is ready: 8 GPUs on 2 nodes', 'training begins'],
  },
  {
    name: 'trains with verl, GRPO',
    of: 'rlhf-grpo-verl',
    code: 0,
    says: ['Ray is ready', 'training begins'],
  },
  {
    name: 'names the node that did not join',
    of: 'rlhf-ppo-openrlhf',
    env: { RAY_MODE: 'missing-worker' },
    code: 69,
    says: [/Ray has 4 of 8 GPUs after 8 s: gnode\d+ did not join/],
  },
  {
    name: 'ends when the head dies',
    of: 'rlhf-ppo-openrlhf',
    env: { RAY_MODE: 'head-dies', TRAIN_MODE: 'long' },
    code: 1,
    says: ['Ray ended before the training', 'gcs_server exited unexpectedly'],
  },
  {
    name: 'ends Ray when the training fails',
    of: 'rlhf-ppo-openrlhf',
    env: { TRAIN_MODE: 'fails' },
    code: 3,
    says: ['ValueError: the reward model gives no number'],
  },
  {
    name: 'waits for a slow vLLM, trains on the other nodes and ends the server',
    of: 'rlhf-grpo-trl',
    env: { VLLM_MODE: 'slow' },
    code: 0,
    says: [/training begins on gnode\d+ with 2 nodes in this step/],
  },
  {
    name: 'gives up on a vLLM that never answers',
    of: 'rlhf-grpo-trl',
    env: { VLLM_MODE: 'never' },
    code: 69,
    says: [/vLLM at .* did not answer within 8 s/],
  },
  {
    name: 'ends when vLLM dies',
    of: 'rlhf-grpo-trl',
    env: { VLLM_MODE: 'dies', TRAIN_MODE: 'long' },
    code: 1,
    says: ['vLLM ended before the training', 'EngineCore died'],
  },
];

async function submit(story: Story, index: number): Promise<[string, string]> {
  const one = CASES.find((each) => caseName(each) === story.of) as Case;
  const values = {
    model: '/models/base',
    ...one.values,
    ...(story.of === 'rlhf-grpo-trl' ? {} : { nodes: 2 }),
    gpus_per_node: 4,
    gate: 'off',
    start_timeout: 8 + (story.code === 69 ? 0 : 12),
    data: join(slurm.root, 'data'),
    output: join(slurm.root, 'runs'),
    name: `story-${index}`,
    time: '5:00',
  };
  const { code, stdout, stderr } = await slurm.opsctl(
    [
      ...[
        'submit',
        'rlhf',
        '--stage',
        one.stage ?? '',
        '-t',
        one.trainer,
        '--no-preflight',
        '--again',
        '--json',
      ],
      ...Object.entries(values).flatMap(([name, value]) => ['--set', `${name}=${value}`]),
    ],
    { env: { PATH: `${join(import.meta.dirname, 'stand-ins')}:${process.env.PATH}`, ...story.env } },
  );
  expect(code, `${story.name}: ${stderr}`).toBe(0);
  return [story.name, (JSON.parse(stdout) as { jobId: string }).jobId];
}

beforeAll(async () => {
  slurm = await startSandbox(['--nodes', '24']);
  mkdirSync(join(slurm.root, 'data'));
  for (const name of ['x.jsonl', 'x.parquet']) writeFileSync(join(slurm.root, 'data', name), '{}\n');
  const submitted: [string, string][] = [];
  for (const [index, story] of STORIES.entries()) submitted.push(await submit(story, index));
  jobs = Object.fromEntries(submitted);
  await until(
    'all jobs end',
    async () => (await slurm.slurm(['squeue', '--noheader', '--format=%j %T'])).stdout.trim() === '',
    100_000,
  );
}, 240_000);
afterAll(() => slurm?.down());

describe('a training with Ray or vLLM beside it', () => {
  it.each(STORIES)('$name', ({ name, code, says }) => {
    const directory = join(
      slurm.root,
      'runs',
      `story-${STORIES.findIndex((story) => story.name === name)}`,
      'logs',
    );
    const log = readFileSync(join(directory, 'job.log'), 'utf8');
    for (const words of says) expect(log).toMatch(words);
    const last = log.trimEnd().split('\n').at(-1);
    expect(last, log.slice(-3000)).toBe(`attempt 0 ended with exit code ${code}`);
    expect(processesOf(jobs[name] ?? '')).toEqual([]);
  });
});

/** Processes that still run in a job's name, on whatever node. */
function processesOf(jobId: string): string[] {
  const read = (pid: string, file: string) => {
    try {
      return readFileSync(join('/proc', pid, file), 'utf8');
    } catch {
      return '';
    }
  };
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      const environment = `\0${read(pid, 'environ')}`;
      return environment.includes(`\0SLURM_JOB_ID=${jobId}\0`) && environment.includes(slurm.dir);
    })
    .map((pid) => read(pid, 'cmdline').replaceAll('\0', ' '));
}
