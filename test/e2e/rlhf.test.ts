import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CASES, type Case, caseName } from '../template/cases.ts';
import { filled, startSandbox, type TestSandbox, until } from './support.ts';

// Ray and vLLM beside a training, on a real Slurm, with stand-ins for `ray` and the Python programs (stand-ins/).
const GPUS = 4;
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

const caseOf = (story: Story) => CASES.find((each) => caseName(each) === story.of) as Case;
const directoryOf = (story: Story) => join(slurm.root, 'runs', runOf(story));
const runOf = (story: Story) => `story-${STORIES.indexOf(story)}`;

/** What is asked for, behind `submit` and `render`. */
function wordsOf(story: Story): string[] {
  const one = caseOf(story);
  const values = {
    model: '/models/base',
    ...one.values,
    ...(one.trainer === 'trl' ? {} : { nodes: 2 }),
    gpus_per_node: GPUS,
    gate: 'off',
    start_timeout: 8 + (story.code === 69 ? 0 : 12),
    data: join(slurm.root, 'data'),
    output: join(slurm.root, 'runs'),
    name: runOf(story),
    time: '5:00',
  };
  return [
    ...['rlhf', '--stage', one.stage ?? '', '-t', one.trainer],
    ...Object.entries(values).flatMap(([name, value]) => ['--set', `${name}=${value}`]),
  ];
}

async function submit(story: Story): Promise<[string, string]> {
  const { code, stdout, stderr } = await slurm.opsctl(
    ['submit', ...wordsOf(story), '--no-preflight', '--again', '--json'],
    {
      env: {
        PATH: `${join(import.meta.dirname, 'stand-ins')}:${process.env.PATH}`,
        RECORDS: join(slurm.root, 'records'),
        ...story.env,
      },
    },
  );
  expect(code, `${story.name}: ${stderr}`).toBe(0);
  return [story.name, (JSON.parse(stdout) as { jobId: string }).jobId];
}

beforeAll(async () => {
  slurm = await startSandbox(['--nodes', '24']);
  for (const name of ['data', 'records']) mkdirSync(join(slurm.root, name));
  for (const name of ['x.jsonl', 'x.parquet']) writeFileSync(join(slurm.root, 'data', name), '{}\n');
  const submitted: [string, string][] = [];
  for (const story of STORIES) submitted.push(await submit(story));
  jobs = Object.fromEntries(submitted);
  await until(
    'all jobs end',
    async () => (await slurm.slurm(['squeue', '--noheader', '--format=%j %T'])).stdout.trim() === '',
    100_000,
  );
}, 240_000);
afterAll(() => slurm?.down());

describe('a training with Ray or vLLM beside it', () => {
  it.each(STORIES)('$name', (story) => {
    const log = readFileSync(join(directoryOf(story), 'logs', 'job.log'), 'utf8');
    for (const words of story.says) expect(log).toMatch(words);
    const last = log.trimEnd().split('\n').at(-1);
    expect(last, log.slice(-3000)).toBe(`attempt 0 ended with exit code ${story.code}`);
    expect(processesOf(jobs[story.name] ?? '')).toEqual([]);
  });
});

/** How one program was started on one node. */
interface Started {
  readonly program: 'ray' | 'vllm' | 'training';
  readonly node: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What one of them noted, by node. */
function started(story: Story, program: Started['program']): Started[] {
  const records = join(slurm.root, 'records');
  return readdirSync(records)
    .filter((file) => file.startsWith(`${runOf(story)}.${program}.`))
    .sort()
    .map((file) => JSON.parse(readFileSync(join(records, file), 'utf8')) as Started);
}

const afterFlag = ({ argv }: Started, flag: string) => argv[argv.indexOf(flag) + 1];

/** The address of a node as Slurm has it. */
async function addressOf(node: string): Promise<string> {
  const { stdout } = await slurm.slurm(['scontrol', 'show', 'node', node]);
  return /NodeAddr=(\S+)/.exec(stdout)?.[1] ?? '';
}

/** The command lines of `render --json`, with what only the node knew. */
async function promised(story: Story, on: Started): Promise<string[][]> {
  const { stdout } = await slurm.opsctl(['render', ...wordsOf(story), '--json']);
  const { commands } = JSON.parse(stdout) as { commands: { argv: string[] }[] };
  const known = { ...on.env, cache: join(on.env.RUN_DIR ?? '', 'cache') };
  return commands.map(({ argv }) =>
    argv
      .slice(1)
      .map((word) =>
        filled(word, known).replace(`${slurm.root}/data/*.parquet`, `${slurm.root}/data/x.parquet`),
      ),
  );
}

const trainsOn = (trainer: string) =>
  STORIES.filter((story) => story.code === 0 && caseOf(story).trainer === trainer);

describe('a training beside Ray', () => {
  it.each([...trainsOn('openrlhf'), ...trainsOn('verl')])(
    'of $of joins every node to one head and starts on it',
    async (story) => {
      const [head, worker, ...more] = started(story, 'ray') as [Started, Started];
      expect(more).toEqual([]);
      const address = await addressOf(head.node);
      const port = Number(head.env.MASTER_PORT) + 1;
      expect(head.argv).toEqual(expect.arrayContaining(['start', '--block', '--head']));
      expect(worker.argv).not.toContain('--head');
      expect([afterFlag(head, '--node-ip-address'), afterFlag(head, '--port')]).toEqual([
        address,
        String(port),
      ]);
      expect(afterFlag(worker, '--address')).toBe(`${address}:${port}`);
      const pinned = [
        '--object-manager-port',
        '--node-manager-port',
        '--dashboard-agent-listen-port',
        '--metrics-export-port',
        '--runtime-env-agent-port',
      ];
      for (const each of [head, worker]) {
        expect(each.env).toMatchObject({ MASTER_ADDR: address, RAY_ADDRESS: `${address}:${port}` });
        expect(afterFlag(each, '--num-gpus')).toBe(String(GPUS));
        expect(pinned.map((flag) => Number(afterFlag(each, flag)) - port)).toEqual([1, 2, 3, 4, 5]);
      }
      const [training, ...others] = started(story, 'training') as [Started];
      expect(others).toEqual([]);
      expect(training.node).toBe(head.node);
      expect(training.env.RAY_ADDRESS).toBe(`${address}:${port}`);
      expect([training.argv]).toEqual(await promised(story, training));
      expect(training.argv.join(' ')).toMatch(
        caseOf(story).trainer === 'verl'
          ? /trainer\.nnodes=2 trainer\.n_gpus_per_node=4 /
          : /--actor\.num_nodes 2 --actor\.num_gpus_per_node 4 /,
      );
    },
  );
});

describe('a training beside vLLM', () => {
  it.each(trainsOn('trl'))(
    'of $of is told its server, and the place of each of the other nodes',
    async (story) => {
      const [server, ...others] = started(story, 'vllm') as [Started];
      expect(others).toEqual([]);
      const trainers = started(story, 'training');
      expect(trainers.map(({ node }) => node < server.node)).toEqual([true, true]);
      const [first] = trainers as [Started];
      const [address, port] = [await addressOf(first.node), Number(first.env.MASTER_PORT)];
      for (const [rank, each] of trainers.entries()) {
        const [training, serving] = await promised(story, each);
        expect([each.argv, server.argv]).toEqual([training, serving]);
        const place = [
          '--machine_rank',
          '--num_machines',
          '--num_processes',
          '--main_process_ip',
          '--main_process_port',
        ];
        expect(place.map((flag) => afterFlag(each, flag))).toEqual([
          ...[rank, trainers.length, trainers.length * GPUS].map(String),
          ...[address, String(port)],
        ]);
        expect(afterFlag(each, '--vllm_server_host')).toBe(await addressOf(server.node));
        expect(afterFlag(each, '--vllm_server_port')).toBe(afterFlag(server, '--port'));
        expect(
          new Set([
            port,
            ...['--vllm_server_port', '--vllm_group_port'].map((flag) => Number(afterFlag(each, flag))),
          ]).size,
        ).toBe(3);
      }
    },
  );
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
