import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { smtpServer } from '../notify/support.ts';
import { OPSCTL, startSandbox, type TestSandbox, until } from './support.ts';

const STEPS = 60;
let slurm: TestSandbox;
let data: string;

beforeAll(async () => {
  slurm = await startSandbox(['--nodes', '3']);
  data = join(slurm.root, 'data');
  const made = ['--out', data, '--samples', '200', '--files', '2', '--seed', '1'];
  expect(spawnSync('/usr/bin/python3', ['examples/lm/make_data.py', ...made]).status).toBe(0);
});
afterAll(() => slurm?.down());

/** Kills the daemon of a node as it is: no goodbye to the controller, which finds the node silent. */
function loseNode(node: string): void {
  const daemon = new RegExp(`slurmd\\0.*-N\\0${node}\\0`, 's');
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const mine = pids.filter((pid) => {
    const words = commandLine(pid);
    return words.includes(slurm.dir) && daemon.test(words);
  });
  expect(mine).toHaveLength(1);
  for (const pid of mine) process.kill(Number(pid), 'SIGKILL');
}

function commandLine(pid: string): string {
  try {
    return readFileSync(join('/proc', pid, 'cmdline'), 'utf8');
  } catch {
    return '';
  }
}

interface Watcher {
  readonly said: () => string;
  readonly end: () => Promise<void>;
}

function watcher(config: string): Watcher {
  const argv = ['watch', '--every', '2s', '--config', config];
  const child = spawn(OPSCTL, argv, { cwd: slurm.root, env: { ...process.env, ...slurm.env } });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  return {
    said: () => output,
    end: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function state(
  run: string,
): Promise<{ state: string; metrics: { step: number | null }; nodes: string[] }> {
  return JSON.parse((await slurm.opsctl(['status', run, '--json'])).stdout);
}

it('brings a run back unattended after its node has died, and says so by mail', async () => {
  const server = await smtpServer();
  const config = join(slurm.root, 'opsctl.yaml');
  writeFileSync(
    config,
    `profiles:
  sandbox:
    watch: { free_memory: 0 }
    automation: { faults: { node-fail: L2 } }
    notify:
      smtp: { host: 127.0.0.1, port: ${server.port}, tls: none, from: opsctl@cluster.example }
      receivers: { oncall: { kind: mail, to: [oncall@example.org] } }
      heartbeat: { file: ${join(slurm.root, 'heartbeat')} }
`,
  );
  const flags = ['--data', data, '--output', join(slurm.root, 'runs'), '--python', '/usr/bin/python3'];
  const pace = ['--nodes', '2', '--max-steps', String(STEPS), '--save-steps', '4', '--step-delay', '0.2'];
  const submitted = await slurm.opsctl([
    'submit',
    'sft',
    '-t',
    'example',
    ...flags,
    ...pace,
    '--name',
    'chain',
    '--no-preflight',
    '--json',
  ]);
  expect(submitted, submitted.stderr).toMatchObject({ code: 0 });
  const first = watcher(config);
  const second = watcher(config);
  try {
    await until('a checkpoint', async () => ((await state('chain')).metrics.step ?? 0) > 8, 60_000);
    loseNode('gnode02');
    // Slurm itself waits half a minute before it says so; who watches the machines is quicker.
    const down = ['scontrol', 'update', 'NodeName=gnode02', 'State=DOWN', 'Reason=no power'];
    expect((await slurm.slurm(down)).code).toBe(0);
    await until(
      'the end of the run',
      async () => /COMPLETED|FAILED/.test((await state('chain')).state),
      120_000,
    ).catch(async (error) => {
      const job = await slurm.slurm(['scontrol', 'show', 'job']);
      const log = readFileSync(join(slurm.root, 'runs', 'chain', 'logs', 'job.log'), 'utf8').slice(-3000);
      throw new Error(`${error}\n${first.said()}${second.said()}${job.stdout}${log}`);
    });
    const said = first.said() + second.said();
    const final = JSON.parse((await slurm.opsctl(['status', 'chain', '--json'])).stdout);
    expect(final, said).toMatchObject({ state: 'COMPLETED', metrics: { step: STEPS } });
    expect(final.nodes).toEqual(['gnode01', 'gnode03']);
    expect(final.attempts.at(-1).resumedFrom).toBeGreaterThanOrEqual(4);
    // Of two that were started at once one acts, and the other says why it does not.
    expect(said.match(/done: exclude-node/g), said).toHaveLength(1);
    expect(said.match(/another opsctl watches/g), said).toHaveLength(1);
    const mails = server.mails.map(({ source }) => source.replace(/=\r\n/g, '')).join('\n');
    expect(mails).toContain('node-fail');
    expect(mails).toContain('done: exclude-node');
    expect(readFileSync(join(slurm.root, 'heartbeat'), 'utf8')).toContain('"at"');
  } finally {
    await Promise.all([first.end(), second.end()]);
  }
});
