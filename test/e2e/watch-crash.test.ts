import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { smtpServer } from '../notify/support.ts';
import { manifest } from '../run/known.ts';
import { inParallel, seeded } from '../support/pool.ts';
import { OPSCTL, temporaryDirectory } from './support.ts';

/** `npm run crash` sets it: every step, and many pairs of watchers at random moments. */
const ALL = process.env.OPSCTL_CRASH === 'all';
/** Every so many steps one look is killed; more than there are steps ends the test. */
const STRIDE = ALL ? 1 : 25;
const MOST_STEPS = 800;
const PAIRS = ALL ? 120 : 3;
const AT_ONCE = 3;
const USER = userInfo().username;

/**
 * Kills the process just before the step KILL_AT that leaves a trace: a call of node:fs that writes, a program, or what
 * goes to the mail server.
 */
const KILLER = `
const fs = require('node:fs'), child = require('node:child_process'), net = require('node:net');
let step = 0;
const counted = (object, name) => {
  const real = object[name];
  object[name] = function (...args) {
    if (++step === Number(process.env.KILL_AT)) { process.kill(process.pid, 'SIGKILL'); for (;;); }
    return real.apply(this, args);
  };
};
for (const name of ['mkdirSync', 'openSync', 'writeFileSync', 'fsync', 'renameSync', 'unlinkSync']) counted(fs, name);
for (const name of ['writeFile', 'rename', 'unlink', 'link']) counted(fs.promises, name);
counted(child, 'spawn');
for (const name of ['connect', 'write']) counted(net.Socket.prototype, name);
require('node:module').syncBuiltinESMExports();
`;

/** Stand-ins for a Slurm that is asked thousands of times: what they print has the shape of 22.05's. */
const PROGRAMS: Readonly<Record<string, string>> = {
  squeue: 'cat "$FAKE/queue"',
  sinfo: `case $* in *%m*) printf 'gnode01|idle|64000|30000|none\\ngnode02|down*|64000|N/A|Not responding\\n' ;; *) printf 'gnode01|idle|Unknown|Unknown|none\\ngnode02|down*|slurm|2026-11-25T08:00:00|Not responding\\n' ;; esac`,
  sacct: 'echo "Slurm accounting storage is disabled" >&2; exit 1',
  df: `printf 'Filesystem Type 1K-blocks Used Avail Inodes IUsed Mounted on\\n/dev/vda ext4 1000 400 600 1000 10 /data\\n'`,
  quota: 'echo "Disk quotas for user x (uid 1): none"',
  scontrol: `case $1 in
update) all=$*; echo "$all" >>"$FAKE/updates"; echo "\${all##*ExcNodeList=}" >"$FAKE/excluded" ;;
show) cat "$FAKE/job"; printf '   ExcNodeList=%s\\n' "$(cat "$FAKE/excluded" 2>/dev/null || echo '(null)')" ;;
esac`,
};

let root: string;
let server: Awaited<ReturnType<typeof smtpServer>>;
beforeAll(() => {
  root = temporaryDirectory();
  mkdirSync(join(root, 'bin'));
  for (const [name, text] of Object.entries(PROGRAMS))
    writeFileSync(join(root, 'bin', name), `#!/bin/bash\n${text}\n`, { mode: 0o755 });
  writeFileSync(join(root, 'killer.cjs'), KILLER);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** The configuration of one trial: its mails are known by their address. */
function configure(place: string): void {
  const text = `profiles:
  it:
    automation: { faults: { node-fail: L2 } }
    alerts: { group_by: alert }
    notify:
      smtp: { host: 127.0.0.1, port: ${server.port}, tls: none, from: opsctl@cluster.example }
      receivers: { oncall: { kind: mail, to: [${basename(place)}@example.org] } }
`;
  writeFileSync(join(place, 'opsctl.yaml'), text);
}

interface Kill {
  readonly atStep?: number;
  readonly afterMs?: number;
}

/**
 * How a look ended: it told what is wrong (a node is down all the time), another one was at it, or the signal that
 * killed it.
 */
function lookAt(place: string, kill: Kill = {}): Promise<string> {
  const words = ['watch', '--once', '--config', join(place, 'opsctl.yaml')];
  const child = spawn(process.execPath, ['--require', join(root, 'killer.cjs'), OPSCTL, ...words], {
    env: {
      PATH: `${join(root, 'bin')}:${process.env.PATH}`,
      HOME: place,
      OPSCTL_HOME: join(place, 'state'),
      FAKE: place,
      ...(kill.atStep === undefined ? {} : { KILL_AT: String(kill.atStep) }),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const timer =
    kill.afterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), kill.afterMs);
  return new Promise((resolve) =>
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (signal !== null) resolve(signal);
      else if (code === 1 || code === 2) resolve('told');
      else resolve(/another opsctl (?:watches|repairs)/.test(complaint) ? 'busy' : `${code} ${complaint}`);
    }),
  );
}

function queue(place: string, state: 'RUNNING' | 'PENDING'): void {
  const [reason, hosts, start] =
    state === 'RUNNING' ? ['None', 'gnode[01-02]', '1764000000'] : ['BeginTime', '', 'N/A'];
  const fields = [
    '12',
    '12',
    state,
    reason,
    USER,
    'gpu',
    '2',
    hosts,
    '1:00',
    '1:00:00',
    '1763999990',
    start,
    'N/A',
    'opsctl:sft-tiny',
    'sft-tiny',
  ];
  writeFileSync(join(place, 'queue'), `\u001e${fields.join('\u001f')}\n`);
}

/** A look at a run and its node that is down was told of; and with it a mail server. */
async function begun(): Promise<string> {
  server = await smtpServer();
  const place = mkdtempSync(join(root, 'begun-'));
  const outputDir = join(root, 'run');
  for (const directory of ['logs', 'attempts']) mkdirSync(join(outputDir, directory), { recursive: true });
  mkdirSync(join(place, 'state', 'runs', 'sft-tiny'), { recursive: true, mode: 0o700 });
  configure(place);
  const run = manifest({ user: USER, outputDir });
  writeFileSync(join(place, 'state', 'runs', 'sft-tiny', 'manifest.json'), JSON.stringify(run));
  const attempt = {
    attempt: 0,
    jobId: '12',
    nodes: ['gnode01', 'gnode02'],
    startedAt: '2025-11-24T16:00:00Z',
    endedAt: null,
    exitCode: null,
  };
  writeFileSync(join(outputDir, 'attempts', '0.json'), JSON.stringify(attempt));
  writeFileSync(
    join(place, 'job'),
    `JobId=12 JobName=sft-tiny\n   UserId=${USER}(0) GroupId=x(0) MCS_label=N/A\n   Requeue=1 Restarts=1 BatchFlag=1 Reboot=0 ExitCode=0:0\n`,
  );
  queue(place, 'RUNNING');
  expect(await lookAt(place)).toBe('told');
  writeFileSync(join(outputDir, 'logs', 'job.log'), 'srun: error: Node failure on gnode02\n');
  queue(place, 'PENDING');
  return place;
}

/** A run was put back because of its node: nobody has looked since. */
function trial(start: string, name: string): string {
  const place = join(root, name);
  cpSync(start, place, { recursive: true });
  configure(place);
  return place;
}

/** One more look, which nobody disturbs: after it all is done, and done once. */
async function expectDoneOnce(place: string, how: string): Promise<void> {
  expect(await lookAt(place), how).toBe('told');
  const read = (file: string) => readFileSync(join(place, ...file.split('/')), 'utf8');
  expect(read('updates').trim().split('\n'), how).toHaveLength(1);
  expect(JSON.parse(read('state/exclusions.json')), how).toMatchObject([{ node: 'gnode02' }]);
  const known = JSON.parse(read('state/alerts/state.json')) as {
    state: { alerts: { fault: string; runs: string[] }[] };
  };
  // That of the node, of the look before, and one of the run.
  const faults = known.state.alerts.map(({ fault, runs }) => `${fault} ${runs}`);
  expect(faults, how).toEqual(['node-fail sft-tiny', 'node-fail sft-tiny']);
  expect(JSON.parse(read('state/watch/memory.json')).runs['sft-tiny'].trouble.alert.fault, how).toBe(
    'node-fail',
  );
  expect(readdirSync(join(place, 'state', 'watch')).sort(), how).toEqual(['beat.json', 'memory.json']);
  for (const directory of ['journal', 'alerts/outbox/pending', 'alerts/outbox/done']) {
    const names = readdirSync(join(place, 'state', directory));
    expect(
      names.filter((each) => !each.endsWith('.json')),
      `${how}: ${directory}`,
    ).toEqual([]);
    for (const name of names) JSON.parse(read(`state/${directory}/${name}`));
  }
  // SMTP promises no more than that: a mail whose server was not heard to the end is sent once more, as the same one.
  expect(readdirSync(join(place, 'state', 'alerts', 'outbox', 'pending')), how).toEqual([]);
  const mine = server.mails.filter(({ to }) => to.includes(`${basename(place)}@example.org`));
  const ids = new Set(mine.map(({ source }) => /^message-id: (.*)$/im.exec(source)?.[1]));
  expect([ids.size, mine.length <= 2], how).toEqual([1, true]);
  rmSync(place, { recursive: true, force: true });
}

it('a watcher killed at any step has lost nothing and does nothing twice', async () => {
  const start = await begun();
  const steps = Array.from({ length: Math.floor(MOST_STEPS / STRIDE) }, (_, index) => 1 + index * STRIDE);
  let isThrough = false;
  const kills = await inParallel(AT_ONCE, steps, async (atStep) => {
    if (isThrough) return 0;
    const place = trial(start, `killed-${atStep}`);
    const ended = await lookAt(place, { atStep });
    expect(['told', 'SIGKILL']).toContain(ended);
    if (ended === 'told') isThrough = true;
    await expectDoneOnce(place, `after a kill at step ${atStep}`);
    return ended === 'SIGKILL' ? 1 : 0;
  });
  expect(isThrough).toBe(true);
  const count = kills.filter((each) => each === 1).length;
  expect(count).toBeGreaterThan(3);
  process.stderr.write(`${count} kills of a watcher at its steps\n`);
}, 900_000);

it('of two watchers at once, both killed at random moments, nothing is done twice', async () => {
  const start = await begun();
  const random = seeded(20261125);
  const kills = await inParallel(AT_ONCE - 1, Array.from({ length: PAIRS }).fill(0), async () => {
    const place = trial(start, `pair-${random().toString(36).slice(2)}`);
    const moments = [random(), random()].map((moment) => 150 + moment * 900);
    const ends = await Promise.all(moments.map((afterMs) => lookAt(place, { afterMs })));
    for (const end of ends) expect(['told', 'busy', 'SIGKILL']).toContain(end);
    await expectDoneOnce(place, `after ${ends} at ${moments} ms`);
    return ends.filter((end) => end === 'SIGKILL').length;
  });
  const count = kills.reduce((total, each) => total + each, 0);
  expect(count).toBeGreaterThan(0);
  process.stderr.write(`${count} kills of watchers in pairs\n`);
}, 900_000);
