import { spawn } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { ALERTS, alertOf, START } from '../alert/support.ts';
import { directory, mailConfig, smtpServer } from '../notify/support.ts';

/** `npm run crash` sets it: every step. */
const ALL = process.env.OPSCTL_CRASH === 'all';
/** Every so many steps a look is killed. */
const STRIDE = ALL ? 1 : 4;
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

interface Paths {
  readonly killer: string;
  readonly program: string;
}

async function program(): Promise<Paths> {
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
  paths: Paths,
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

/** Kills a watcher at each of its steps, one after the other; what the next looks send is what counts. */
async function killedEverywhere(paths: Paths, when: 'before' | 'after') {
  const { port, mails } = await smtpServer();
  const alerts = [alertOf(), alertOf({ id: 'n', fault: 'node-fail', runs: ['sft-b'] })];
  const profile = { alerts: ALERTS, notify: mailConfig(port) };
  const counts = { kills: 0, twice: 0 };
  for (let trial = 1, at = 1; at <= MOST_STEPS; trial++, at += STRIDE) {
    const look = { home: join(await directory(), 'state'), alerts, profile, now: START };
    mails.length = 0;
    const signal = await run(paths, look, { at, when });
    if (signal === null) return counts;
    expect(signal).toBe('SIGKILL');
    // Sometimes the one that goes on where it stopped is killed as well.
    const again = trial % 3 === 0 ? await run(paths, look, { at: 1 + ((at * 7) % 60), when }) : null;
    const kills = again === null ? 1 : 2;
    counts.kills += kills;
    expect(await run(paths, look)).toBe(null);
    const ids = mails.map(({ source }) => /^Message-ID: (.*)$/im.exec(source)?.[1]?.trim() ?? '');
    const faults = new Set(mails.map(({ source }) => /(storage-full|node-fail)/.exec(source)?.[1]));
    // Nothing is lost, each message keeps its one id, and one kill makes at most one of them come twice.
    expect([...faults].sort()).toEqual(['node-fail', 'storage-full']);
    expect(new Set(ids).size).toBe(2);
    expect(ids.length - 2).toBeLessThanOrEqual(kills);
    counts.twice += ids.length - 2;
    const left = await readdir(look.home, { recursive: true });
    expect(left.filter((name) => name.includes('.tmp') || name.includes('pending/'))).toEqual([]);
    if (trial % 10 !== 0) continue;
    const count = mails.length;
    expect(await run(paths, look)).toBe(null);
    expect(mails.length, 'a further look says nothing new').toBe(count);
  }
  throw new Error(`still not done after ${MOST_STEPS} steps`);
}

it('a watcher killed at its steps loses no message, and sends twice only what a kill cut off', async () => {
  const paths = await program();
  const results = await Promise.all([killedEverywhere(paths, 'before'), killedEverywhere(paths, 'after')]);
  const kills = results.reduce((sum, counts) => sum + counts.kills, 0);
  const twice = results.reduce((sum, counts) => sum + counts.twice, 0);
  expect(kills).toBeGreaterThan(200 / STRIDE);
  expect(twice).toBeLessThan(kills / 4);
}, 480_000);
