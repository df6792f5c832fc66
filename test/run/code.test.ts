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
});
