import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeLease } from '../../src/system/lease.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'opsctl-lease-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const take = () => takeLease(fakeSystem(fakeExec({}).exec, { now: () => new Date() }), directory, 'works');
const path = () => join(directory, '.lock');

describe('a lease', () => {
  it('is one process’s at a time, and free when it is given back', async () => {
    const lease = await take();
    await expect(take()).rejects.toMatchObject({ exitCode: 75, message: expect.stringContaining('works') });
    await lease.release();
    expect(existsSync(path())).toBe(false);
    await (await take()).release();
  });

  it('that another process has taken meanwhile is neither prolonged nor given back', async () => {
    const lease = await take();
    const other = JSON.stringify({ host: 'login2', pid: 7 });
    writeFileSync(path(), other);
    utimesSync(path(), 1000, 1000);
    expect(await lease.holds()).toBe(false);
    await lease.renew();
    expect(statSync(path()).mtimeMs).toBe(1_000_000);
    await lease.release();
    expect(readFileSync(path(), 'utf8')).toBe(other);
  });

  it('of a process that has not renewed it for a minute is taken over', async () => {
    writeFileSync(path(), JSON.stringify({ host: 'login2', pid: 7 }));
    await expect(take()).rejects.toMatchObject({ exitCode: 75 });
    utimesSync(path(), 1000, 1000);
    const lease = await take();
    expect(await lease.holds()).toBe(true);
    await lease.release();
  });
});
