import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Manifest } from '../../src/run/manifest.ts';
import { applyPrune, lookForPrune } from '../../src/run/prune.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';
import { manifest } from './known.ts';

let root: string;
let run: Manifest;
let checkpoints: string;

beforeEach(() => {
  root = mkdtempSync(join(realpathSync(tmpdir()), 'opsctl-prune-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  run = manifest({ outputDir: join(root, 'run'), jobId: '12' });
  checkpoints = join(root, 'run', 'checkpoints');
  mkdirSync(checkpoints, { recursive: true });
  writeFileSync(join(root, 'run', 'manifest.json'), JSON.stringify({ runId: run.runId }));
});

const OLD = new Date('2025-01-01T00:00:00Z');
/** Written that many seconds after OLD. */
function checkpoint(name: string, seconds = 0): string {
  const time = new Date(OLD.getTime() + seconds * 1000);
  const path = join(checkpoints, name);
  mkdirSync(path);
  writeFileSync(join(path, 'model.pt'), 'weights');
  writeFileSync(join(path, 'trainer_state.json'), '{}');
  for (const file of [...readdirSync(path).map((each) => join(path, each)), path])
    utimesSync(file, time, time);
  return path;
}
/** Slurm knows nothing of the job any more, and it did not record an end: it may be running. */
const system = () =>
  fakeSystem(fakeExec({ squeue: '', sacct: '' }).exec, {
    env: { HOME: root, OPSCTL_HOME: join(root, 'state'), XDG_CONFIG_HOME: join(root, 'config') },
  });
const REQUEST = { keep: 1, minAgeMs: 1000 };

describe('prune', () => {
  it('shows what it would delete, and deletes just that', async () => {
    for (const step of [1, 2, 3]) checkpoint(`checkpoint-${step}`, step);
    const now = system();
    const plan = await lookForPrune(now, run, REQUEST);
    expect(readdirSync(checkpoints)).toHaveLength(3);
    const results = await applyPrune(now, plan, run);
    expect(results.filter(({ deleted }) => deleted).map(({ name }) => name)).toEqual([
      'checkpoint-1',
      'checkpoint-2',
    ]);
    expect(readdirSync(checkpoints)).toEqual(['checkpoint-3']);
  });

  it('never follows a link, neither of a checkpoint nor in one', async () => {
    const outside = join(root, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'precious'), 'x');
    symlinkSync(outside, join(checkpoints, 'checkpoint-1'));
    const second = checkpoint('checkpoint-2');
    symlinkSync(outside, join(second, 'data'));
    lutimesSync(join(second, 'data'), OLD, OLD);
    utimesSync(second, OLD, OLD);
    checkpoint('checkpoint-3', 9);
    const now = system();
    const plan = await lookForPrune(now, run, { keep: 1, minAgeMs: 0 });
    const results = await applyPrune(now, plan, run);
    expect(results.find(({ name }) => name === 'checkpoint-1')).toMatchObject({
      action: 'keep',
      reason: 'link',
    });
    expect(readFileSync(join(outside, 'precious'), 'utf8')).toBe('x');
    expect(existsSync(join(checkpoints, 'checkpoint-1'))).toBe(true);
    expect(existsSync(join(checkpoints, 'checkpoint-2'))).toBe(false);
  });

  it('refuses a checkpoints directory that is a link to somewhere else', async () => {
    renameSync(checkpoints, join(root, 'elsewhere'));
    symlinkSync(join(root, 'elsewhere'), checkpoints);
    await expect(lookForPrune(system(), run, REQUEST)).rejects.toThrow('is a link to');
  });

  it('refuses another directory under the run’s name, and one where everybody may put another', async () => {
    checkpoint('checkpoint-1');
    checkpoint('checkpoint-2', 5);
    const other = join(root, 'other-run');
    mkdirSync(join(other, 'checkpoints', 'checkpoint-1'), { recursive: true });
    writeFileSync(join(other, 'manifest.json'), JSON.stringify({ runId: 'other-run' }));
    renameSync(join(root, 'run'), join(root, 'was'));
    symlinkSync(other, join(root, 'run'));
    await expect(lookForPrune(system(), run, REQUEST)).rejects.toThrow(
      `${join(root, 'run')} is not the directory of the run sft-tiny`,
    );
    rmSync(join(other, 'manifest.json'));
    await expect(lookForPrune(system(), run, REQUEST)).rejects.toThrow('is not the directory of the run');
    rmSync(join(root, 'run'));
    renameSync(join(root, 'was'), join(root, 'run'));
    chmodSync(root, 0o777);
    await expect(lookForPrune(system(), run, REQUEST)).rejects.toThrow(
      `lies below ${root}, which everybody may write to`,
    );
    expect(readdirSync(checkpoints)).toHaveLength(2);
  });

  it('leaves the data of a file that has a second name elsewhere', async () => {
    const old = checkpoint('checkpoint-1');
    checkpoint('checkpoint-2', 5);
    linkSync(join(old, 'model.pt'), join(root, 'kept.pt'));
    utimesSync(old, OLD, OLD);
    const now = system();
    await applyPrune(now, await lookForPrune(now, run, REQUEST), run);
    expect(readdirSync(checkpoints)).toEqual(['checkpoint-2']);
    expect(readFileSync(join(root, 'kept.pt'), 'utf8')).toBe('weights');
  });

  it.each([
    ['a link', (path: string, victim: string) => symlinkSync(victim, path), 'it is a link'],
    [
      'a second name',
      (path: string, victim: string) => linkSync(victim, path),
      'not a file of the run alone',
    ],
    ['a pipe', (path: string) => execFileSync('mkfifo', [path]), 'ENXIO'],
  ])('writes its journal into no other file through %s, and deletes nothing then', async (_, plant, why) => {
    checkpoint('checkpoint-1');
    checkpoint('checkpoint-2', 5);
    const victim = join(root, 'victim');
    writeFileSync(victim, 'mine');
    const path = join(root, 'run', 'pruned.jsonl');
    plant(path, victim);
    const now = system();
    const plan = await lookForPrune(now, run, REQUEST);
    await expect(applyPrune(now, plan, run)).rejects.toThrow(
      new RegExp(`cannot write the journal ${path}.*${why}`),
    );
    expect(readFileSync(victim, 'utf8')).toBe('mine');
    expect(readdirSync(checkpoints)).toHaveLength(2);
  });

  it.skipIf(process.getuid?.() !== 0)(
    'leaves what belongs to another user, trash with our name too',
    async () => {
      const names = [
        'checkpoint-1',
        'checkpoint-2',
        'checkpoint-3',
        'checkpoint-9',
        '.opsctl-trash-checkpoint-0-1',
      ];
      for (const [index, name] of names.entries()) checkpoint(name, index);
      chownSync(join(checkpoints, 'checkpoint-1'), 5, 60);
      chownSync(join(checkpoints, 'checkpoint-2', 'model.pt'), 5, 60);
      // Complete, and the newest: yet none of ours is superfluous because of it.
      chownSync(join(checkpoints, 'checkpoint-9'), 5, 60);
      chownSync(join(checkpoints, '.opsctl-trash-checkpoint-0-1'), 5, 60);
      const now = system();
      const plan = await lookForPrune(now, run, REQUEST);
      expect(plan.items.map(({ name, reason }) => [name, reason])).toEqual([
        ['checkpoint-1', 'not-yours'],
        ['checkpoint-2', 'not-yours'],
        ['checkpoint-3', 'newest-complete'],
        ['checkpoint-9', 'not-yours'],
      ]);
      await applyPrune(now, plan, run);
      expect(readdirSync(checkpoints).sort()).toEqual([...names].sort());
    },
  );

  it('leaves a directory that has taken the name of the one that was judged', async () => {
    checkpoint('checkpoint-1');
    checkpoint('checkpoint-2', 5);
    const now = system();
    const plan = await lookForPrune(now, run, REQUEST);
    expect(plan.items.find(({ name }) => name === 'checkpoint-1')?.action).toBe('delete');
    renameSync(join(checkpoints, 'checkpoint-1'), join(root, 'was'));
    checkpoint('checkpoint-1');
    const [result] = await applyPrune(now, plan, run);
    expect(result).toMatchObject({ deleted: false, problem: expect.stringContaining('not as it was') });
    expect(existsSync(join(checkpoints, 'checkpoint-1', 'model.pt'))).toBe(true);
  });

  it('leaves the last complete one when the newer ones have gone since it looked', async () => {
    checkpoint('checkpoint-1');
    checkpoint('checkpoint-2', 5);
    const now = system();
    const plan = await lookForPrune(now, run, REQUEST);
    rmSync(join(checkpoints, 'checkpoint-2'), { recursive: true });
    const [result] = await applyPrune(now, plan, run);
    expect(result).toMatchObject({ deleted: false, problem: 'it is not as it was: newest-complete' });
  });

  it('finishes what a prune that was killed had begun, and no trainer takes that for a checkpoint', async () => {
    checkpoint('checkpoint-1');
    const half = join(checkpoints, '.opsctl-trash-checkpoint-0-77');
    mkdirSync(half);
    writeFileSync(join(half, 'trainer_state.json'), '{}');
    const now = system();
    const plan = await lookForPrune(now, run, REQUEST);
    expect(plan.items.map(({ name }) => name)).toEqual(['checkpoint-1']);
    await applyPrune(now, plan, run);
    expect(readdirSync(checkpoints)).toEqual(['checkpoint-1']);
  });

  it('records what it deleted beside the run', async () => {
    checkpoint('checkpoint-1');
    checkpoint('checkpoint-2', 5);
    const now = system();
    await applyPrune(now, await lookForPrune(now, run, REQUEST), run);
    expect(readdirSync(checkpoints)).toEqual(['checkpoint-2']);
    const lines = readFileSync(join(root, 'run', 'pruned.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      { intent: 'delete', name: 'checkpoint-1' },
      { outcome: 'deleted', name: 'checkpoint-1' },
    ]);
  });
});
