import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CASES, type Case, caseName } from '../template/cases.ts';
import { filled, startSandbox, type TestSandbox, until } from './support.ts';

// The scripts of all trainers on a real Slurm of two nodes, with a stand-in for the trainer's program that only notes how
// it was started: its arguments, its environment, its limits. Those with a second step are in rlhf.test.ts.
let slurm: TestSandbox;
let records: string;
/** The tasks of an array whose time limit is near. */
let limited: readonly Task[];

const SIDE = ['trl', 'openrlhf', 'verl'];
const hasSide = ({ stage, trainer }: Case) => (stage === 'grpo' || stage === 'ppo') && SIDE.includes(trainer);
const SFT: readonly Case[] = [
  { phase: 'sft', trainer: 'xllm', values: { code: '/code' } },
  { phase: 'sft', trainer: 'trl', values: {} },
];
const TRAINED = [...SFT, ...CASES].filter(
  (one) => one.trainer !== 'example' && one.phase !== 'convert' && !hasSide(one),
);
const NODES = 2;
const GPUS = 4;

const RECORD = `#!/bin/bash
# A stand-in for the trainer's program: notes how it was started, and ends well.
note="$RECORDS/$SLURM_JOB_NAME.$SLURM_NODEID"
{ basename "$0"; printf '%s\\n' "$@"; } >"$note.argv.tmp"
env >"$note.env"
ulimit -n >"$note.limit"
ulimit -Hn >>"$note.limit"
# DeepSpeed's launcher reads the world from this file, on every node.
previous=
for word in "$@"; do
  [[ $previous != --hostfile ]] || cp "$word" "$note.hostfile"
  previous=$word
done
mv "$note.argv.tmp" "$note.argv"
if [[ -n $HOLDS ]]; then
  # Has written a checkpoint, as it would on schedule, and trains until it is ended.
  mkdir -p "$RUN_DIR/checkpoints/checkpoint-5"
  printf '{\\n "global_step": 5,\\n "max_steps": 9\\n}\\n' >"$RUN_DIR/checkpoints/checkpoint-5/trainer_state.json"
  printf '%s\\n' "$@" >"$ATTEMPT_DIR/holding"
  exec sleep 100
fi
[[ -n $FAILS_ON ]] || exit 0
# One node's launcher fails while the other still trains.
[[ $FAILS_ON == "$SLURM_NODEID" ]] || exec sleep 60
sleep 1
exit 3
`;

interface Started {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly limits: readonly string[];
  /** The lines of DeepSpeed's hostfile, where there is one. */
  readonly hosts: readonly string[] | undefined;
}

function started(name: string, node: number): Started {
  const read = (kind: string) =>
    readFileSync(join(records, `${name}.${node}.${kind}`), 'utf8')
      .trimEnd()
      .split('\n');
  const env = read('env').flatMap((line) => {
    const [, key, value] = /^([A-Za-z_]\w*)=(.*)$/.exec(line) ?? [];
    return key === undefined ? [] : [[key, value ?? ''] as const];
  });
  const hosts = existsSync(join(records, `${name}.${node}.hostfile`)) ? read('hostfile') : undefined;
  return { argv: read('argv'), env: Object.fromEntries(env), limits: read('limit'), hosts };
}

/** What one node tells its launcher of the whole: from its flags, or from the variables that stand for them. */
function placeOf({ argv, env }: Started) {
  const flag = (...names: string[]) => {
    const at = argv.findIndex((word) => names.includes(word));
    return at === -1 ? undefined : argv[at + 1];
  };
  return {
    rank: flag('--node_rank', '--machine_rank') ?? env.NODE_RANK,
    address: flag('--master_addr', '--main_process_ip') ?? env.MASTER_ADDR,
    port: flag('--master_port', '--main_process_port') ?? env.MASTER_PORT,
    nodes: flag('--nnodes', '--num_machines') ?? env.NNODES,
    processes: flag('--nproc_per_node') ?? env.NPROC_PER_NODE,
    world: flag('--num_processes'),
  };
}

/**
 * The ranks that a node's launcher gives its processes, and of how many, as it takes them from what it was told: DeepSpeed from
 * the slots in its hostfile, in the order of the lines (deepspeed/launcher/runner.py and launch.py of 0.19), accelerate from the
 * number of all processes, torchrun from that of each node.
 */
function ranksOf(each: Started): { readonly world: number; readonly ranks: readonly number[] } {
  const place = placeOf(each);
  const node = Number(place.rank);
  const slots =
    each.hosts?.map((line) => Number(/^\S+\s+slots=(\d+)$/.exec(line)?.[1])) ??
    Array.from({ length: Number(place.nodes) }, () =>
      place.world === undefined ? Number(place.processes) : Number(place.world) / Number(place.nodes),
    );
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
  const first = sum(slots.slice(0, node));
  return { world: sum(slots), ranks: Array.from({ length: slots[node] ?? 0 }, (_, at) => first + at) };
}

const wordsOf = (one: Case): string[] => [
  one.phase,
  ...(one.stage === undefined ? [] : ['--stage', one.stage]),
  '-t',
  one.trainer,
  ...Object.entries({
    model: '/models/base',
    ...one.values,
    nodes: NODES,
    gpus_per_node: GPUS,
    // A sandbox's GPUs are names, and these models nowhere: the gate would find that.
    gate: 'report',
    data: join(slurm.root, 'data'),
    output: join(slurm.root, 'runs'),
    name: caseName(one),
    time: '10:00',
  }).flatMap(([name, value]) => ['--set', `${name}=${value}`]),
];

beforeAll(async () => {
  slurm = await startSandbox(['--nodes', '8']);
  records = join(slurm.root, 'records');
  const bin = join(slurm.root, 'bin');
  for (const directory of [records, bin, join(slurm.root, 'data')]) mkdirSync(directory);
  for (const name of ['x.jsonl', 'x_document.bin', 'x_document.idx'])
    writeFileSync(join(slurm.root, 'data', name), '{}\n');
  for (const program of ['python3', 'llamafactory-cli']) {
    writeFileSync(join(bin, program), RECORD);
    chmodSync(join(bin, program), 0o755);
  }
  // As on a cluster whose nodes find each other by name: so every node has an address of its own.
  writeFileSync(join(bin, 'getent'), '#!/bin/bash\n', { mode: 0o755 });
  const env = { PATH: `${bin}:${process.env.PATH}`, RECORDS: records };
  limited = await submitLimited(env);
  for (const one of TRAINED) {
    const { code, stderr } = await slurm.opsctl(['submit', ...wordsOf(one), '--no-preflight'], { env });
    expect(code, `${caseName(one)}: ${stderr}`).toBe(0);
  }
  const failing = await slurm.opsctl(
    [
      'submit',
      ...wordsOf(TRAINED[0] as Case),
      '--name',
      'fails',
      '--time',
      '5:00',
      '--no-preflight',
      '--again',
    ],
    { env: { ...env, FAILS_ON: '1' } },
  );
  expect(failing.code, failing.stderr).toBe(0);
  await until(
    'all jobs end',
    async () =>
      (await slurm.slurm(['squeue', '--noheader', '--format=%j'])).stdout.replaceAll(/^limited.*\n/gm, '') ===
      '',
    150_000,
  );
}, 300_000);
afterAll(() => slurm?.down());

describe('the script of a trainer', () => {
  it.each(TRAINED.map((one) => [caseName(one), one] as const))(
    '%s starts its program on every node, each with its own ranks of one world',
    async (name, one) => {
      const log = readFileSync(join(slurm.root, 'runs', name, 'logs', 'job.log'), 'utf8');
      expect(log, log.slice(-2000)).toContain('ended with exit code 0');
      const rendered = await slurm.opsctl(['render', ...wordsOf(one), '--json']);
      const { commands } = JSON.parse(rendered.stdout) as { commands: { argv: string[] }[] };
      const nodes = Array.from({ length: NODES }, (_, node) => started(name, node));
      const [first] = nodes.map(({ env }) => env.SLURMD_NODENAME);
      const world = nodes.map(ranksOf);
      expect(world.map((each) => each.world)).toEqual(nodes.map(() => NODES * GPUS));
      expect(world.flatMap(({ ranks }) => ranks)).toEqual(
        Array.from({ length: NODES * GPUS }, (_, rank) => rank),
      );
      for (const [node, each] of nodes.entries()) {
        const { rank, address, port } = placeOf(each);
        expect({ rank, address, own: each.env.MASTER_ADDR }).toEqual({
          rank: String(node),
          address: first,
          own: first,
        });
        expect(port).toBe(nodes[0]?.env.MASTER_PORT);
        expect(Number(port)).toBeGreaterThanOrEqual(12_000);
        if (each.hosts) expect(each.hosts[node]?.split(' ')[0]).toBe(each.env.SLURMD_NODENAME);
        // What was promised before the queue is what the node was given.
        const known = { ...each.env, cache: join(each.env.RUN_DIR ?? '', 'cache') };
        // A first start has no checkpoint to go on from.
        const promised = commands[0]?.argv
          .map((word) => filled(word, known))
          .filter((word) => !/^resume\w*=$/.test(word));
        expect(each.argv.slice(1)).toEqual(promised?.slice(1));
        expect(each.limits[0]).toBe(each.limits[1]);
        expect(each.env).toMatchObject({
          TOKENIZERS_PARALLELISM: 'false',
          PYTHONUNBUFFERED: '1',
          NCCL_DEBUG: 'WARN',
        });
        expect(each.env.HF_DATASETS_CACHE).toContain(name);
        expect(each.env.WANDB_NAME).toMatch(/-\d+$/);
        expect(each.env.CUDA_VISIBLE_DEVICES?.split(',')).toHaveLength(GPUS);
      }
      expect(new Set(nodes.map(({ env }) => env.SLURMD_NODENAME)).size).toBe(NODES);
    },
  );
});

describe('a launcher that fails on one node', () => {
  it('is a failure with its own exit code, although srun stops the others', () => {
    const directory = join(slurm.root, 'runs', 'fails');
    const log = readFileSync(join(directory, 'logs', 'job.log'), 'utf8');
    expect(log.trimEnd().split('\n').at(-1), log).toBe('attempt 0 ended with exit code 3');
    const attempt = JSON.parse(readFileSync(join(directory, 'attempts', '0.json'), 'utf8')) as object;
    expect(attempt).toMatchObject({ exitCode: 3, reason: 'failed', requeued: false });
  });
});

interface Task {
  readonly jobId: string;
  readonly outputDir: string;
}

/** Two runs of a trainer whose batch shell gets the signal, as one array. Slurm looks at time limits every 30 s. */
async function submitLimited(env: Readonly<Record<string, string>>): Promise<readonly Task[]> {
  const one = TRAINED.find(({ trainer, phase }) => trainer === 'llama-factory' && phase === 'sft');
  const { code, stdout, stderr } = await slurm.opsctl(
    [
      ...['submit', ...wordsOf(one as Case), '--no-preflight', '--json', '--name', 'limited'],
      ...[
        '--set',
        'seed=1,2',
        '--nodes',
        '1',
        '--time',
        '1:00',
        '--signal-lead',
        '40',
        '--max-requeues',
        '1',
      ],
    ],
    { env: { ...env, HOLDS: '1' } },
  );
  expect(code, stderr).toBe(0);
  return (JSON.parse(stdout) as { runs: Task[] }).runs;
}

describe('a signal for the batch shell ahead of the time limit', () => {
  const readJson = (path: string) =>
    existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { endedAt: string | null }) : undefined;
  const attemptOf = ({ outputDir }: Task, attempt: number) =>
    until(
      `attempt ${attempt} in ${outputDir} ends`,
      () => {
        const found = readJson(join(outputDir, 'attempts', `${attempt}.json`));
        return found?.endedAt ? found : undefined;
      },
      60_000,
    );
  /** Slurm would hold a requeued job back for two minutes; what its trainer was then started with. */
  const nextAttempt = ({ jobId, outputDir }: Task, attempt: number) =>
    until(
      `attempt ${attempt} of ${jobId} trains`,
      async () => {
        const holding = join(outputDir, 'logs', `attempt-${attempt}`, 'holding');
        if (existsSync(holding)) return readFileSync(holding, 'utf8');
        const asked = ['squeue', '--noheader', '--states=PENDING', `--jobs=${jobId}`, '--format=%r %S'];
        const { stdout } = await slurm.slurm(asked, { env: { SLURM_TIME_FORMAT: '%s' } });
        const [reason, start] = stdout.trim().split(' ');
        if (reason === 'BeginTime' && Number(start) > Date.now() / 1000 + 3)
          await slurm.slurm(['scontrol', 'update', `JobId=${jobId}`, 'StartTime=now+2seconds']);
        return undefined;
      },
      60_000,
    );

  it('requeues each task of an array from its checkpoint, until the budget without a newer one is used up', async () => {
    const [task, other] = limited as [Task, Task];
    for (const each of [task, other]) {
      expect(each.jobId).toMatch(/^\d+_\d+$/);
      expect(await attemptOf(each, 0)).toMatchObject({ reason: 'time-limit', requeued: true, exitCode: 75 });
    }
    expect((await slurm.opsctl(['cancel', other.jobId])).code).toBe(0);
    // The first attempt brought a checkpoint, the second none, and the third is the one restart that may bring none.
    for (const [attempt, requeued] of [
      [1, true],
      [2, false],
    ] as const) {
      expect(await nextAttempt(task, attempt)).toContain(join(task.outputDir, 'checkpoints', 'checkpoint-5'));
      await slurm.slurm(['scancel', '--batch', '--signal=USR1', task.jobId]);
      expect(await attemptOf(task, attempt)).toMatchObject({ reason: 'time-limit', requeued });
    }
    const log = readFileSync(join(task.outputDir, 'logs', 'job.log'), 'utf8');
    expect(log).toContain('not requeued: 1 restarts in a row brought no newer checkpoint');
    expect(log.match(/^attempt \d of job/gm)).toHaveLength(3);
    await until('no task is left', async () =>
      (await slurm.slurm(['squeue', '--noheader'])).stdout.trim() === '' ? 'none' : undefined,
    );
    expect(existsSync(join(other.outputDir, 'attempts', '1.json'))).toBe(false);
  }, 120_000);
});

it('covers every phase and stage of every trainer, with rlhf.test.ts for those beside Ray and vLLM', async () => {
  const { stdout } = await slurm.opsctl(['trainers', '--json']);
  const rows = JSON.parse(stdout) as { trainer: string; phase: string; stage: string | null }[];
  const others = rows.filter(({ trainer, phase }) => trainer !== 'example' && phase !== 'convert');
  expect(
    others.map(({ stage, ...row }) => caseName({ ...row, ...(stage && { stage }), values: {} })).sort(),
  ).toEqual([...TRAINED, ...CASES.filter(hasSide)].map(caseName).sort());
});
