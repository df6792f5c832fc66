import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TickDocument } from '../../src/watch/document.ts';
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

async function submit(name: string, steps: number): Promise<void> {
  const place = ['--data', data, '--output', join(slurm.root, 'runs'), '--name', name, '--nodes', '2'];
  const pace = ['--max-steps', String(steps), '--save-steps', '4', '--step-delay', '0.2'];
  const words = ['submit', 'sft', '-t', 'example', ...place, ...pace, '--python', '/usr/bin/python3'];
  const submitted = await slurm.opsctl([...words, '--no-preflight', '--json']);
  expect(submitted, submitted.stderr).toMatchObject({ code: 0 });
}

/** One look, as cron does it; what it printed. */
async function lookOnce(config: string): Promise<TickDocument> {
  const { stdout, stderr } = await slurm.opsctl(['watch', '--once', '--json', '--config', config]);
  expect(stdout, stderr).not.toBe('');
  return JSON.parse(stdout);
}

it('tells of a run that stands still, and at L2 asks its processes who is to blame', async () => {
  const server = await smtpServer();
  const configure = (level: string): string => {
    const path = join(slurm.root, `${level}.yaml`);
    writeFileSync(
      path,
      `profiles:
  sandbox:
    watch: { free_memory: 0, hang_factor: 2, hang_floor: "0:00:03", hang_ceiling: "0:00:05" }
    automation: { faults: { hang: ${level} } }
    notify:
      smtp: { host: 127.0.0.1, port: ${server.port}, tls: none, from: opsctl@cluster.example }
      receivers: { oncall: { kind: mail, to: [oncall@example.org] } }
`,
    );
    return path;
  };
  const [told, acting] = [configure('L1'), configure('L2')];
  await submit('stuck', 1000);
  await until('a checkpoint', async () => ((await state('stuck')).metrics.step ?? 0) > 8, 60_000);
  expect((await lookOnce(told)).alerts).toEqual([]);
  const inject = ['sandbox', 'inject', 'rank-hung', '--node', 'gnode02', '--dir', slurm.dir];
  expect(await slurm.opsctl(inject)).toMatchObject({ code: 0 });
  const { outputDir } = JSON.parse((await slurm.opsctl(['status', 'stuck', '--json'])).stdout);
  await until('nothing is written for longer than the ceiling', () => {
    const logs = readdirSync(join(outputDir, 'logs'), { recursive: true }).map((name) =>
      statSync(join(outputDir, 'logs', String(name))),
    );
    const newest = Math.max(...logs.filter((log) => log.isFile()).map(({ mtimeMs }) => mtimeMs));
    return Date.now() - newest > 6_000;
  });
  // One look may have met a slow file system: only the second says so.
  expect((await lookOnce(told)).alerts).toEqual([]);
  const seen = await lookOnce(told);
  expect(seen.alerts).toMatchObject([{ fault: 'hang', severity: 'critical', runs: ['stuck'] }]);
  expect(seen.actions).toMatchObject([
    { fault: 'hang', level: 1, steps: [{ action: 'collect-evidence', result: 'proposed' }] },
  ]);
  expect((await state('stuck')).state).toBe('RUNNING');
  const mails = () => server.mails.map(({ source }) => source.replace(/=\r\n/g, '')).join('\n');
  expect(mails()).toMatch(/^Subject: .*hang.*stuck/m);
  // Once an attempt is enough, until the policy allows more.
  expect((await lookOnce(told)).actions).toEqual([]);
  const acted = await lookOnce(acting);
  expect(acted.actions).toMatchObject([
    { fault: 'hang', level: 2, steps: [{ action: 'collect-evidence', result: 'done' }] },
  ]);
  const evidence = readFileSync(acted.actions[0]?.steps[0]?.said ?? '', 'utf8');
  expect(evidence).toMatch(/^gnode02: == end of gnode02$/m);
  expect(acted.alerts, evidence).toMatchObject([{ fault: 'hang', runs: ['stuck'], nodes: ['gnode02'] }]);
  expect(acted.alerts[0]?.summary).toMatch(/rank [23] \(process \d+\) on gnode02 is stopped/);
  // Put back at the earliest a minute after its start, which a look then does.
  expect(JSON.stringify(acted.actions)).toMatch(
    /requeue: restart 1 not before|"action":"requeue".*"result":"done"/,
  );
  await slurm.opsctl(['cancel', 'stuck']);
});

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
  await submit('chain', STEPS);
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
