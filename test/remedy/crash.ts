import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect } from 'vitest';
import type { ActEntry } from '../../src/remedy/entry.ts';
import type { ActionName } from '../../src/remedy/step.ts';
import type { Manifest } from '../../src/run/manifest.ts';
import { LATER, type Phase, type Scenario, scenario } from './scenario.ts';
import { standIn } from './slurm-stand-in.ts';

/** One act, the state it is asked for in, and what must have happened exactly once in the end. */
interface Case {
  readonly action: ActionName;
  readonly phase: Phase;
  readonly only: readonly string[];
  readonly more?: object;
  readonly event?: 'submit' | 'requeue' | 'hold' | 'release' | 'cancel' | 'exclude' | 'node' | 'evidence';
  /** How often the event is in the file before anything is asked for. */
  readonly before?: number;
  readonly holds: (at: Scenario) => boolean;
}

const jobs = (at: Scenario) => standIn(at.events, at.shm).jobs();
const checkpoints = (at: Scenario) => readdirSync(join(at.run.outputDir, 'checkpoints')).sort();
const first = (at: Scenario) => jobs(at)[0];

/** Every action, and the restarts with a difference. */
export const CASES: readonly Case[] = [
  {
    action: 'requeue',
    phase: 'failed',
    only: ['requeue'],
    event: 'requeue',
    holds: (at) => first(at)?.restarts === 1,
  },
  {
    action: 'hold',
    phase: 'pending',
    only: ['hold'],
    event: 'hold',
    holds: (at) => first(at)?.reason === 'JobHeldUser',
  },
  {
    action: 'release',
    phase: 'held',
    only: ['release'],
    event: 'release',
    holds: (at) => first(at)?.reason === 'Priority',
  },
  {
    action: 'cancel',
    phase: 'running',
    only: ['cancel'],
    event: 'cancel',
    holds: (at) => first(at)?.state === 'CANCELLED',
  },
  {
    action: 'exclude-node',
    phase: 'pending',
    only: ['exclude-node'],
    more: { onNodes: ['gnode02'] },
    event: 'exclude',
    holds: (at) => first(at)?.excluded === 'gnode02' && excludes(at, 'gnode02'),
  },
  {
    action: 'drain-node',
    phase: 'failed',
    only: ['drain-node'],
    more: { onNodes: ['gnode03'] },
    event: 'node',
    holds: (at) => standIn(at.events, at.shm).nodes().get('gnode03')?.state === 'drained',
  },
  {
    action: 'resume-node',
    phase: 'failed',
    only: ['resume-node'],
    more: { onNodes: ['gnode01'] },
    event: 'node',
    before: 1,
    holds: (at) => standIn(at.events, at.shm).nodes().get('gnode01')?.state === 'idle',
  },
  {
    action: 'resubmit',
    phase: 'failed',
    only: ['resubmit'],
    event: 'submit',
    before: 1,
    holds: isSubmittedAgain,
  },
  {
    action: 'resubmit',
    phase: 'failed',
    only: ['resubmit'],
    more: { set: { nodes: '1', offline: 'true' } },
    event: 'submit',
    before: 1,
    holds: (at) =>
      isSubmittedAgain(at) && readFileSync(at.run.script, 'utf8').includes('#SBATCH --nodes=1\n'),
  },
  {
    action: 'resubmit',
    phase: 'failed',
    only: ['resume-earlier'],
    event: 'submit',
    before: 1,
    holds: (at) =>
      isSubmittedAgain(at) &&
      checkpoints(at).length === 3 &&
      checkpoints(at)[1] === 'checkpoint-200' &&
      checkpoints(at)[2]?.startsWith('set-aside-') === true,
  },
  {
    action: 'raise-limit',
    phase: 'failed',
    only: ['longer'],
    event: 'submit',
    before: 1,
    holds: (at) =>
      isSubmittedAgain(at) && readFileSync(at.run.script, 'utf8').includes('#SBATCH --time=00:45:00\n'),
  },
  {
    action: 'clear-nccl-shm',
    phase: 'failed',
    only: ['clear-nccl-shm'],
    holds: (at) => readdirSync(at.shm).join() === 'other',
  },
  {
    action: 'prune-checkpoints',
    phase: 'failed',
    only: ['prune-checkpoints'],
    holds: (at) => checkpoints(at).join() === 'checkpoint-300',
  },
  {
    action: 'collect-evidence',
    phase: 'running',
    only: ['collect-evidence'],
    holds: (at) =>
      readFileSync(join(at.run.outputDir, 'evidence', '12.0.txt'), 'utf8').endsWith('end of gnode01\n'),
  },
];

function excludes(at: Scenario, node: string): boolean {
  return readFileSync(join(at.home, 'exclusions.json'), 'utf8').includes(`"${node}"`);
}

function isSubmittedAgain(at: Scenario): boolean {
  const run = JSON.parse(
    readFileSync(join(at.home, 'runs', 'tiny-run', 'manifest.json'), 'utf8'),
  ) as Manifest;
  return run.jobId === jobs(at)[1]?.jobId && run.earlierJobs?.join() === '12';
}

/**
 * Loaded before the program: counts every step that leaves a trace and kills the process with SIGKILL just before or
 * just after step KILL_AT. What is waited for between two looks is short: the stand-in shows at once what it has done.
 */
const KILLER = `
const fs = require('node:fs'), timers = require('node:timers/promises');
const wait = timers.setTimeout;
timers.setTimeout = (ms, ...rest) => wait(ms / 40, ...rest);
let step = 0;
const die = () => { process.kill(process.pid, 'SIGKILL'); for (;;); };
const at = Number(process.env.KILL_AT), after = process.env.KILL_WHEN === 'after';
const counted = (object, name) => {
  const real = object[name];
  object[name] = function (...args) {
    const mine = ++step === at;
    if (mine && !after) die();
    const result = real.apply(this, args);
    if (!mine) return result;
    if (result instanceof Promise) return result.finally(die);
    die();
  };
};
for (const name of ['mkdirSync', 'openSync', 'writeFileSync', 'fsync', 'renameSync', 'unlinkSync', 'appendFileSync']) counted(fs, name);
for (const name of ['writeFile', 'appendFile', 'rename', 'unlink', 'link', 'rm', 'utimes', 'mkdir']) counted(fs.promises, name);
`;

/** What \`opsctl runbook run RUN --only ACTION --apply --yes\` does once its words are read, on the stand-in. */
const PROGRAM = `
import { applyPlan } from './src/remedy/apply.ts';
import { planFor } from './src/remedy/automate.ts';
import { readJournal, withJournal } from './src/remedy/journal.ts';
import { reconcileJournal } from './src/remedy/reconcile.ts';
import { readRun } from './src/run/registry.ts';
import { standIn } from './test/remedy/slurm-stand-in.ts';
const { at, only, more, now, profile } = JSON.parse(process.env.ASKED);
const slurm = standIn(at.events, at.shm);
const env = { PATH: process.env.PATH, HOME: '/nonexistent', OPSCTL_HOME: at.home };
const system = { exec: slurm.exec, env, cwd: '/', now: () => new Date(now) };
async function main() {
  await withJournal(system, async () => reconcileJournal(system, await readJournal(system)));
  const target = { kind: 'run', manifest: await readRun(system, at.run.runId) };
  const diagnosis = { status: 'unknown', causes: [] };
  const plan = await planFor(system, { diagnosis, target, profile, attended: true, isNamed: true, seenAt: null, only, ...more });
  const results = await applyPlan(system, plan, { level: 4, attended: true, profile, fleet: null, config: {} });
  process.stdout.write(JSON.stringify({ results, refused: plan.refused }));
}
// Another one has the lease: it does what is to be done.
main().catch((error) => { if (error.exitCode !== 75) throw error; });
`;

export interface Paths {
  readonly killer: string;
  readonly program: string;
}

/** Bundles the program into a directory of this checkout's, where it finds the templates. */
export async function program(directory: string): Promise<Paths> {
  const paths = { killer: join(directory, 'killer.cjs'), program: join(directory, 'ask.cjs') };
  writeFileSync(paths.killer, KILLER);
  await build({
    stdin: { contents: PROGRAM, resolveDir: process.cwd(), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: paths.program,
    define: {
      'import.meta.url': JSON.stringify(`file://${process.cwd()}/src/main.ts`),
      OPSCTL_VERSION: '"0.0.0"',
    },
    logLevel: 'error',
  });
  return paths;
}

interface Kill {
  readonly at?: { readonly step: number; readonly when: 'before' | 'after' };
  readonly afterMs?: number;
}

/** Starts the program once; true when it was killed. */
function ask(
  paths: Paths,
  at: Scenario,
  one: Case,
  now: Date,
  profile: object,
  kill: Kill = {},
): Promise<boolean> {
  const asked = { at, only: one.only, more: one.more ?? {}, now, profile };
  const killing = kill.at ? { KILL_AT: String(kill.at.step), KILL_WHEN: kill.at.when } : {};
  const child = spawn(process.execPath, ['--require', paths.killer, paths.program], {
    env: { PATH: process.env.PATH, ASKED: JSON.stringify(asked), ...killing },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const timer =
    kill.afterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), kill.afterMs);
  return new Promise((resolve, reject) =>
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (signal === 'SIGKILL') resolve(true);
      else if (code === 0) resolve(false);
      else reject(new Error(`${one.action}: exit code ${code}\n${said}`));
    }),
  );
}

async function begin(one: Case): Promise<Scenario> {
  const at = await scenario(one.phase);
  writeFileSync(join(at.shm, 'other'), 'not of NCCL');
  if (one.action === 'resume-node')
    standIn(at.events, at.shm).happens({
      kind: 'node',
      node: 'gnode01',
      state: 'drained',
      reason: 'opsctl: test',
    });
  return at;
}

/** Long enough for whatever a killed opsctl has started to be over. */
const MUCH_LATER = new Date(LATER.getTime() + 10 * 60_000);

/** The next two starts, undisturbed: the first settles what was begun and does what was not; the second finds nothing. */
async function recover(paths: Paths, at: Scenario, one: Case, profile: object): Promise<void> {
  expect(await ask(paths, at, one, MUCH_LATER, profile)).toBe(false);
  expect(await ask(paths, at, one, new Date(MUCH_LATER.getTime() + 60_000), profile)).toBe(false);
  const happened = standIn(at.events, at.shm)
    .events()
    .filter(({ kind }) => kind === one.event);
  if (one.event) expect([one.only, happened.length - (one.before ?? 0)]).toEqual([one.only, 1]);
  expect([one.only, one.holds(at)]).toEqual([one.only, true]);
  expectWhole(at);
}

/** Every file under its own name is whole, and no act is left open. */
function expectWhole(at: Scenario): void {
  const directory = join(at.home, 'journal');
  expect(readdirSync(directory).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  const entries = readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as ActEntry);
  expect(entries.filter(({ outcome }) => outcome === null || outcome.result === 'unknown')).toEqual([]);
  for (const path of [
    join(at.home, 'runs', 'tiny-run', 'manifest.json'),
    join(at.run.outputDir, 'manifest.json'),
    join(at.home, 'exclusions.json'),
  ])
    if (existsSync(path)) JSON.parse(readFileSync(path, 'utf8'));
  expect(readFileSync(at.run.script, 'utf8').trimEnd()).toMatch(/exit "\$code"$/);
}

/** Kills one case at a step, sometimes what comes to its aid as well, and lets it recover. Gives the number of kills. */
export async function killAtStep(
  paths: Paths,
  one: Case,
  step: number,
  when: 'before' | 'after',
  profile: object,
): Promise<number> {
  const at = await begin(one);
  try {
    if (!(await ask(paths, at, one, LATER, profile, { at: { step, when } }))) return 0;
    const second = { step: 1 + ((step * 7) % 40), when };
    const again = step % 3 === 0 ? await ask(paths, at, one, MUCH_LATER, profile, { at: second }) : false;
    await recover(paths, at, one, profile);
    return again ? 2 : 1;
  } finally {
    rmSync(at.root, { recursive: true, force: true });
  }
}

/** Two at once on the same state, killed at random moments. */
export async function killAtRandom(
  paths: Paths,
  one: Case,
  random: () => number,
  profile: object,
): Promise<number> {
  const at = await begin(one);
  try {
    const kills = await Promise.all(
      [1, 2].map(() => ask(paths, at, one, LATER, profile, { afterMs: 30 + random() * 220 })),
    );
    await recover(paths, at, one, profile);
    return kills.filter(Boolean).length;
  } finally {
    rmSync(at.root, { recursive: true, force: true });
  }
}
