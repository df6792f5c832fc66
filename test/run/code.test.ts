import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codeState } from '../../src/run/code.ts';
import { exec } from '../../src/system/exec.ts';
import type { System } from '../../src/system/system.ts';

let place: string;
let system: System;
const git = (...argv: string[]) =>
  execFileSync('git', ['-C', place, '-c', 'user.name=t', '-c', 'user.email=t@t', ...argv], {
    encoding: 'utf8',
  });
beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), 'opsctl-code-')));
  system = { exec, env: process.env, cwd: place, now: () => new Date() };
});
afterEach(() => rmSync(place, { recursive: true }));

describe('codeState', () => {
  it('knows nothing of a directory that is in no checkout, and starts no git for it', async () => {
    const without: System = { ...system, exec: () => Promise.reject(new Error('git was started')) };
    expect(await codeState(without, place)).toBeUndefined();
  });

  it('gives commit and branch, and the difference of what was not committed', async () => {
    git('init', '--quiet', '--initial-branch=trunk');
    expect(await codeState(system, place), 'no commit yet').toBeUndefined();
    writeFileSync(join(place, 'a.py'), 'one\n');
    git('add', '.');
    git('commit', '--quiet', '-m', 'first');
    const commit = git('rev-parse', 'HEAD').trim();
    mkdirSync(join(place, 'sub'));
    expect(await codeState(system, join(place, 'sub'))).toEqual({
      git: { directory: join(place, 'sub'), commit, branch: 'trunk', dirty: false },
      diff: '',
    });
    writeFileSync(join(place, 'a.py'), 'two\n');
    const changed = await codeState(system, place);
    expect(changed?.git.dirty).toBe(true);
    expect(changed?.diff).toContain('-one\n+two');
    git('checkout', '--quiet', '--detach');
    expect((await codeState(system, place))?.git.branch).toBeNull();
  });

  it('names what git was never told of, also from a directory below', async () => {
    git('init', '--quiet');
    writeFileSync(join(place, '.gitignore'), 'runs\n');
    mkdirSync(join(place, 'lib'));
    mkdirSync(join(place, 'runs'));
    for (const name of ['runs/log', 'lib/new.py', 'lib/b.py', 'train 1.py'])
      writeFileSync(join(place, name), '');
    git('add', '.gitignore');
    git('commit', '--quiet', '-m', 'first');
    const untracked = async (directory: string) => (await codeState(system, directory))?.git;
    expect(await untracked(place)).toMatchObject({
      dirty: false,
      untracked: { count: 2, first: ['lib/', 'train 1.py'] },
    });
    expect((await untracked(join(place, 'lib')))?.untracked?.count).toBe(2);
  });

  it('says why the difference is not kept, and knows the rest all the same', async () => {
    git('init', '--quiet');
    writeFileSync(join(place, 'a.py'), 'one\n');
    git('add', '.');
    git('commit', '--quiet', '-m', 'first');
    writeFileSync(join(place, 'a.py'), 'x'.repeat(5 << 20));
    const large = await codeState(system, place);
    expect(large).toMatchObject({ git: { dirty: true, diffMissing: 'it is larger than 4 MiB' }, diff: '' });
    const late = (word: string): System => ({
      ...system,
      exec: async (argv, options) => {
        const result = await exec(argv, options);
        return argv.includes(word) ? { ...result, code: null, stdout: '', timedOut: true } : result;
      },
    });
    expect((await codeState(late('diff'), place))?.git).toMatchObject({
      commit: large?.git.commit,
      dirty: true,
      diffMissing: 'git diff took longer than 5 s',
    });
    const blind = await codeState(late('ls-files'), place);
    expect(blind?.git.commit).toBe(large?.git.commit);
    expect(blind?.git).not.toHaveProperty('untracked');
  });
});
