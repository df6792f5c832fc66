import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { EMPTY_PROFILE } from '../../src/config/empty-profile.ts';
import type { Manifest } from '../../src/run/manifest.ts';
import { FIELD_SEPARATOR } from '../../src/slurm/job.ts';
import { takeLease } from '../../src/system/lease.ts';
import { ask } from '../../src/watch/ask.ts';
import { watchDirectory } from '../../src/watch/memory.ts';
import { type Tick, tick } from '../../src/watch/tick.ts';
import { manifest } from '../run/known.ts';
import { type Answer, fakeExec, fakeSystem } from '../support/fake-exec.ts';

export const USER = userInfo().username;
export const BEGAN = 1_764_000_000;

/** squeue's line of a job, in the order of its fields. */
export function queued(over: Record<string, string | number> = {}): string {
  const job = {
    rawId: 12,
    jobId: 12,
    state: 'RUNNING',
    reason: 'None',
    user: USER,
    partition: 'gpu',
    nodes: 2,
    hosts: 'gnode[01-02]',
    elapsed: '1:00',
    limit: '1:00:00',
    submit: BEGAN - 10,
    start: BEGAN,
    end: BEGAN + 3600,
    comment: 'opsctl:sft-tiny',
    name: 'sft-tiny',
    ...over,
  };
  return `\u001e${Object.values(job).join(FIELD_SEPARATOR)}\n`;
}

export const NODES = 'gnode01|allocated|64000|30000|none\ngnode02|allocated|64000|30000|none\n';
const DF =
  'Filesystem Type 1K-blocks Used Avail Inodes IUsed Mounted on\n/dev/vda ext4 1000 400 600 1000 10 /data\n';
export const DISABLED: Answer = { code: 1, stderr: 'Slurm accounting storage is disabled\n' };
/** The places are looked at while Slurm is asked, whatever it answers. */
export const SPACE = { df: DF, quota: { missing: true } };
export const WELL = { squeue: queued(), sinfo: NODES, sacct: DISABLED, ...SPACE };

export interface Place {
  readonly root: string;
  readonly home: string;
  readonly outputDir: string;
}

export async function place(): Promise<Place> {
  const root = await mkdtemp(join(tmpdir(), 'opsctl-watch-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  return { root, home: join(root, 'state'), outputDir: join(root, 'runs', 'sft-tiny') };
}

export async function submitted({ home, outputDir }: Place, over: Partial<Manifest> = {}): Promise<void> {
  const run = manifest({ user: USER, outputDir, ...over });
  await mkdir(join(home, 'runs', run.runId), { recursive: true, mode: 0o700 });
  await mkdir(join(outputDir, 'logs'), { recursive: true });
  await writeFile(join(home, 'runs', run.runId, 'manifest.json'), JSON.stringify(run));
}

/** One look, with these programs and at this many seconds after the start of the job. */
export async function lookAt(
  { home }: Place,
  stubs: Record<string, Answer | string>,
  seconds: number,
  profile = EMPTY_PROFILE,
  /** Seconds that pass whenever somebody looks at the clock. */
  pace = 0,
): Promise<Tick & { calls: string[] }> {
  const fake = fakeExec(stubs);
  let passed = 0;
  const now = () => new Date((BEGAN + seconds + pace * passed++) * 1000);
  const system = fakeSystem(fake.exec, { env: { OPSCTL_HOME: home }, now });
  const lease = await takeLease(system, watchDirectory(system.env), 'watches');
  const result = await tick(system, { profile, choice: {}, lease }, await ask(system, profile));
  await lease.release();
  return { ...result, calls: fake.calls.map(([program = '']) => program) };
}
