import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Answer } from '../../src/health/judge.ts';
import { verdictsOf } from '../../src/health/verdicts.ts';
import { check } from './support.ts';

const source = readFileSync('checks/all-reduce.sh', 'utf8');
const from = source.indexOf('def neighbours():');
const neighbours = source.slice(from, source.indexOf('\ntry:\n', from));

/** The check's own schedule, without torch: an exchange is as slow as the slower of the two that meet. */
const SIMULATION = `
import statistics
${neighbours}
def often(other): return 16
class dist:
    def barrier(): pass
def measure(world, slow):
    global rank, exchange
    globals()["world"] = world
    meetings, best = {}, []
    for rank in range(world):
        met = []
        def exchange(other, size, times=1):
            met.append(other)
            return 10.0 if slow in (rank, other) else 100.0
        best.append(neighbours())
        meetings[rank] = set(met)
    # Who sends must be received from: in each turn the two name each other.
    assert all(rank in meetings[other] for rank in meetings for other in meetings[rank]), (world, meetings)
    median = statistics.median(best)
    return [rank for rank in range(world) if best[rank] < median * 0.5]
for world in range(3, 73):
    for slow in range(world):
        named = measure(world, slow)
        assert named == [slow], (world, slow, named)
    assert measure(world, None) == [], world
assert measure(2, 1) == []
print("all")
`;

it('of all-reduce, the node that is slow is named, whichever it is, and never one that it meets', () => {
  const { stdout, stderr } = spawnSync('python3', ['-c', SIMULATION], { encoding: 'utf8' });
  expect([stdout, stderr]).toEqual(['all\n', '']);
});

const NODES = ['one', 'two', 'three'];
const peers = {
  CHECK_PEERS: NODES.join(' '),
  CHECK_MASTER_ADDR: '127.0.0.1',
  CHECK_PYTHON: '/usr/bin/python3',
  SLURM_JOB_ID: `${process.pid}-ring`,
};

/** Takes turns with a process until it has ended: 75 ms halted, 15 ms running. */
function slowDown(pid: number, signal: 'SIGSTOP' | 'SIGCONT' = 'SIGSTOP'): void {
  if (!existsSync(`/proc/${pid}/fd/0`)) return;
  process.kill(pid, signal);
  if (signal === 'SIGSTOP') setTimeout(slowDown, 75, pid, 'SIGCONT');
  else setTimeout(slowDown, 15, pid, 'SIGSTOP');
}

/** Takes part as this node; a slow one is slow as soon as its torch is there. */
function takePart(node: string, slow: boolean): Promise<Answer> {
  const env = { PATH: process.env.PATH, ...peers, SLURMD_NODENAME: node };
  const child = spawn('bash', ['checks/all-reduce.sh'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  let slowed = !slow;
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    if (!slowed && text.includes('all_reduce_backend=gloo\n')) {
      slowed = true;
      slowDown(pythonOf(child.pid));
    }
  });
  return new Promise((done) =>
    child.on('close', () => {
      const facts = new Map(text.split('\n').map((line) => line.split('=', 2) as [string, string]));
      done({ facts, end: 'ended', seconds: 0 });
    }),
  );
}

function pythonOf(bash: number | undefined): number {
  const children = readFileSync(`/proc/${bash}/task/${bash}/children`, 'utf8').trim().split(' ');
  const python = children.find((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('python'));
  if (python === undefined) throw new Error(`none of ${children} is python`);
  return Number(python);
}

it('names the node that is slow in the exchange, and not its peers', async () => {
  const answers = await Promise.all(
    NODES.map(async (node) => [node, await takePart(node, node === 'two')] as const),
  );
  const odd = verdictsOf(check('all-reduce'), new Map(answers)).filter(({ status }) => status !== 'ok');
  expect(odd.map(({ node, fact, status }) => [node, fact, status])).toEqual([
    ['two', 'pair_mbps', 'warning'],
  ]);
}, 60_000);
