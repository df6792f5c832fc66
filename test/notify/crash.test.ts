import { spawn } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { ALERTS, alertOf, START } from '../alert/support.ts';
import { directory, mailConfig, smtpServer } from './support.ts';

/** More than there are steps: the test ends by itself when no step is left to be killed at. */
const MOST_STEPS = 600;

/**
 * Loaded before the program: counts every step that leaves a trace (calls of node:fs that write, and every write to a
 * socket) and kills the process with SIGKILL just before or just after step KILL_AT.
 */
const KILLER = `
const fs = require('node:fs'), net = require('node:net');
let step = 0;
const die = () => { process.kill(process.pid, 'SIGKILL'); for (;;); };
const at = Number(process.env.KILL_AT), after = process.env.KILL_WHEN === 'after';
const counted = (object, name) => {
  const real = object[name];
  object[name] = function (...args) {
    const mine = ++step === at;
    if (mine && !after) die();
    try { return real.apply(this, args); } finally { if (mine) die(); }
  };
};
for (const name of ['mkdirSync', 'openSync', 'writeFileSync', 'fsync', 'renameSync', 'unlinkSync']) counted(fs, name);
for (const name of ['writeFile', 'rename', 'unlink', 'link']) counted(fs.promises, name);
counted(net.Socket.prototype, 'connect');
counted(net.Socket.prototype, 'write');
`;

/** One look of a watcher, as it calls opsctl's own functions. */
const PROGRAM = `
import { exec } from './src/system/exec.ts';
import { tell } from './src/notify/tell.ts';
const { home, alerts, profile, now } = JSON.parse(process.env.LOOK);
const system = { exec, env: { OPSCTL_HOME: home }, cwd: '/', now: () => new Date(now) };
void tell(system, { alerts, blind: [] }, profile);
`;

async function program(): Promise<{ killer: string; program: string }> {
  const dir = await directory();
  const paths = { killer: join(dir, 'killer.cjs'), program: join(dir, 'look.cjs') };
  await writeFile(paths.killer, KILLER);
  await build({
    stdin: { contents: PROGRAM, resolveDir: process.cwd(), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: paths.program,
    logLevel: 'error',
  });
  return paths;
}

function run(
  paths: { killer: string; program: string },
  look: object,
  kill?: { at: number; when: string },
): Promise<NodeJS.Signals | null> {
  const killing = kill === undefined ? {} : { KILL_AT: String(kill.at), KILL_WHEN: kill.when };
  const child = spawn(process.execPath, ['--require', paths.killer, paths.program], {
    env: { PATH: process.env.PATH, LOOK: JSON.stringify(look), ...killing },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return new Promise((resolve) =>
    child.once('exit', (code, signal) => resolve(code === 0 ? null : (signal ?? 'SIGABRT'))),
  );
}

it('a watcher killed at every single step loses no message and sends none twice without having been cut off in sending it', async () => {
  const paths = await program();
  const { port, mails } = await smtpServer();
  const alerts = [alertOf(), alertOf({ id: 'n', fault: 'node-down', runs: ['sft-b'] })];
  let kills = 0;
  let twice = 0;
  for (let at = 1; at <= MOST_STEPS; at++) {
    const when = at % 2 === 0 ? 'before' : 'after';
    const look = {
      home: join(await directory(), 'state'),
      alerts,
      profile: { alerts: ALERTS, notify: mailConfig(port) },
      now: START,
    };
    mails.length = 0;
    const signal = await run(paths, look, { at, when });
    if (signal === null) break;
    expect(signal).toBe('SIGKILL');
    kills += 1;
    const before = mails.length;
    // The next look: what a crash left is told, and only what it cut off may come twice.
    expect(await run(paths, look)).toBe(null);
    const ids = mails.map(({ source }) => /^Message-ID: (.*)$/im.exec(source)?.[1]?.trim() ?? '');
    const faults = new Set(mails.map(({ source }) => /(storage-full|node-down)/.exec(source)?.[1]));
    expect([...faults].sort()).toEqual(['node-down', 'storage-full']);
    expect(new Set(ids).size).toBe(2);
    expect(ids.length - 2).toBeLessThanOrEqual(Math.min(1, before));
    twice += ids.length - 2;
    // And nothing is left: no half-written file, nothing that waits.
    const left = await readdir(look.home, { recursive: true });
    expect(left.filter((name) => name.includes('.tmp') || name.includes('pending/'))).toEqual([]);
    // A third look says nothing.
    if (at % 10 === 0) {
      const count = mails.length;
      expect(await run(paths, look)).toBe(null);
      expect(mails.length).toBe(count);
    }
  }
  expect(kills).toBeGreaterThan(60);
  expect(kills).toBeLessThan(MOST_STEPS);
  expect(twice).toBeLessThan(kills / 4);
}, 240_000);
