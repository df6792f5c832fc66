import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { manifest } from '../run/known.ts';
import { OPSCTL, temporaryDirectory } from './support.ts';

/** Every so many steps one look is killed; more than there are steps ends the test. */
const STRIDE = Number(process.env.CRASH_STRIDE ?? 14);
const MOST_STEPS = 400;
const USER = userInfo().username;

/** Kills the process just before the step KILL_AT that leaves a trace: a call of node:fs that writes, or a program. */
const KILLER = `
const fs = require('node:fs'), child = require('node:child_process');
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
beforeAll(() => {
  root = temporaryDirectory();
  mkdirSync(join(root, 'bin'));
  for (const [name, text] of Object.entries(PROGRAMS))
    writeFileSync(join(root, 'bin', name), `#!/bin/bash\n${text}\n`, { mode: 0o755 });
  writeFileSync(join(root, 'killer.cjs'), KILLER);
  const level = 'profiles: { it: { automation: { faults: { node-fail: L2 } } } }\n';
  writeFileSync(join(root, 'opsctl.yaml'), level);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** How a look ended: it told what is wrong (a node is down all the time), or the signal that killed it. */
function lookAt(place: string, killAt?: number): Promise<string> {
  const child = spawn(
    process.execPath,
    ['--require', join(root, 'killer.cjs'), OPSCTL, 'watch', '--once', '--config', join(root, 'opsctl.yaml')],
    {
      env: {
        PATH: `${join(root, 'bin')}:${process.env.PATH}`,
        HOME: place,
        OPSCTL_HOME: join(place, 'state'),
        FAKE: place,
        ...(killAt === undefined ? {} : { KILL_AT: String(killAt) }),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  return new Promise((resolve) =>
    child.once('close', (code, signal) =>
      resolve(signal ?? (code === 2 || code === 1 ? 'told' : `${code} ${complaint}`.trim())),
    ),
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
    'sft-tiny',
  ];
  writeFileSync(join(place, 'queue'), `\u001e${fields.join('\u001f')}\n`);
}

async function begun(): Promise<string> {
  const place = join(root, 'begun');
  const outputDir = join(root, 'run');
  mkdirSync(join(outputDir, 'logs'), { recursive: true });
  mkdirSync(join(outputDir, 'attempts'));
  mkdirSync(join(place, 'state', 'runs', 'sft-tiny'), { recursive: true, mode: 0o700 });
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

it('a watcher killed at any step has lost nothing and does nothing twice', async () => {
  const start = await begun();
  const place = join(root, 'killed');
  let kills = 0;
  for (let at = 1; at <= MOST_STEPS; at += STRIDE) {
    rmSync(place, { recursive: true, force: true });
    cpSync(start, place, { recursive: true });
    const ended = await lookAt(place, at);
    expect(['told', 'SIGKILL']).toContain(ended);
    if (ended === 'told') break;
    kills += 1;
    expect(await lookAt(place), `after a kill at step ${at}`).toBe('told');
    const read = (file: string) => readFileSync(join(place, ...file.split('/')), 'utf8');
    expect(read('updates').trim().split('\n'), `after a kill at step ${at}`).toHaveLength(1);
    expect(JSON.parse(read('state/exclusions.json'))).toMatchObject([{ node: 'gnode02' }]);
    const known = JSON.parse(read('state/alerts/state.json')) as {
      state: { alerts: { fault: string; runs: string[] }[] };
    };
    // That of the node, of the look before, and one of the run.
    const faults = known.state.alerts.map(({ fault, runs }) => `${fault} ${runs}`);
    expect(faults).toEqual(['node-fail sft-tiny', 'node-fail sft-tiny']);
    expect(JSON.parse(read('state/watch/memory.json')).runs['sft-tiny'].trouble.alert.fault).toBe(
      'node-fail',
    );
    expect(readdirSync(join(place, 'state', 'watch')).sort()).toEqual(['beat.json', 'memory.json']);
  }
  expect(kills).toBeGreaterThan(5);
}, 240_000);
