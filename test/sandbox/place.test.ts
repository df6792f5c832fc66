import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findPlace } from '../../src/sandbox/place.ts';
import { realSystem } from '../../src/system/system.ts';

describe('findPlace', () => {
  let root = '';
  beforeAll(() => {
    root = mkdtempSync(join(realpathSync(tmpdir()), 'opsctl-place-'));
    mkdirSync(join(root, 'real'));
    symlinkSync(join(root, 'real'), join(root, 'link'));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  const find = (request: { name?: string; dir?: string }) =>
    findPlace(
      { ...realSystem(), cwd: root, env: { OPSCTL_HOME: join(root, 'home') } },
      { name: request.name, dir: request.dir },
    );

  it('is "default" below opsctl\'s state when nothing is said', async () => {
    expect(await find({})).toEqual({ name: 'default', dir: join(root, 'home/sandboxes/default'), own: true });
  });

  it('takes a directory relative to where one is, through links above it', async () => {
    expect(await find({ dir: 'link/box' })).toEqual({ name: 'box', dir: join(root, 'real/box'), own: false });
  });

  it.each([
    [{ dir: 'link' }, 'is a symbolic link'],
    [{ dir: '/' }, 'cannot be a sandbox'],
    [{ dir: 'with space' }, 'slurm.conf holds paths'],
    [{ dir: 'x'.repeat(70) }, 'leave room for 66'],
    [{ name: '../../etc' }, 'a name has letters'],
    [{ name: '' }, 'a name has letters'],
    [{ name: 'a', dir: 'b' }, 'cannot be given together'],
  ])('refuses %j', async (request, message) => {
    await expect(find(request)).rejects.toThrow(message);
  });
});
