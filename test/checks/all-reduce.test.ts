import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Answer } from '../../src/health/judge.ts';
import { verdictsOf } from '../../src/health/verdicts.ts';
import { check } from './support.ts';

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
