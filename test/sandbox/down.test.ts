import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { down, sharedEntries } from '../../src/sandbox/down.ts';
import { readSandbox, writeSandbox } from '../../src/sandbox/sandbox.ts';
import { type AskedShape, readShape } from '../../src/sandbox/shape.ts';
import { showStatus } from '../../src/sandbox/show.ts';
import { status } from '../../src/sandbox/status.ts';
import { up } from '../../src/sandbox/up.ts';
import { shortHostname } from '../../src/system/system.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';
import { sandboxOf } from './sandbox-of.ts';

const NOTHING: AskedShape = readShape({
  ...{
    nodes: undefined,
    gpus: undefined,
    cpus: undefined,
    memory: undefined,
    shm: undefined,
    tmp: undefined,
  },
  accounting: false,
});

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(realpathSync(tmpdir()), 'opsctl-down-'));
  mkdirSync(join(dir, 'shared'));
  writeFileSync(join(dir, 'shared', 'paper.tex'), 'precious');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const place = () => ({ name: 'box', dir, own: false });
/** Knows no program: what is refused must be refused before any is started. */
const system = () => fakeSystem(fakeExec({}).exec);
const paper = () => readFileSync(join(dir, 'shared', 'paper.tex'), 'utf8');

describe('a directory with a shared/ that no sandbox made', () => {
  it('is refused by up and down, and keeps its files', async () => {
    await expect(up(system(), place(), NOTHING, [])).rejects.toThrow('no sandbox. Nothing was touched');
    expect(await sharedEntries(dir)).toBe(0);
    await expect(down(system(), place(), false)).rejects.toThrow('is no sandbox');
    expect(paper()).toBe('precious');
  });
});

describe('down', () => {
  it('marks the data that it keeps, so that the next up may use them and a later down spares them', async () => {
    await writeSandbox({ ...sandboxOf(), dir, host: shortHostname() });
    expect(await down(system(), place(), true)).toMatchObject({ found: true, kept: join(dir, 'shared') });
    expect(await readSandbox(dir)).toEqual({ kind: 'kept' });
    expect(await down(system(), place(), false)).toMatchObject({ found: false, kept: join(dir, 'shared') });
    expect(paper()).toBe('precious');
  });

  it('works where it is typed in the shared directory itself', async () => {
    await writeSandbox({ ...sandboxOf(), dir, host: shortHostname() });
    const before = process.cwd();
    process.chdir(join(dir, 'shared'));
    onTestFinished(() => process.chdir(before));
    expect(await down(system(), place(), true)).toMatchObject({ found: true, kept: join(dir, 'shared') });
  });

  it('leaves no mark where no data are left', async () => {
    await writeSandbox({ ...sandboxOf(), dir, host: shortHostname() });
    await down(system(), place(), true);
    await writeSandbox({ ...sandboxOf(), dir, host: shortHostname() });
    expect(await down(system(), place(), false)).toMatchObject({ found: true, kept: null });
    expect(await readSandbox(dir)).toEqual({ kind: 'absent' });
  });
});

describe('a sandbox of another machine', () => {
  it('is touched neither by up nor by down, and status says where it is', async () => {
    await writeSandbox({ ...sandboxOf(), dir, host: 'login2' });
    const before = readdirSync(dir);
    const refused = { exitCode: 1, message: expect.stringContaining('was started on login2') };
    await expect(up(system(), place(), NOTHING, [])).rejects.toMatchObject(refused);
    await expect(sharedEntries(dir)).rejects.toMatchObject(refused);
    for (const keep of [false, true]) {
      await expect(down(system(), place(), keep)).rejects.toMatchObject(refused);
    }
    expect(readdirSync(dir)).toEqual(before);
    expect(paper()).toBe('precious');
    const seen = await status(system(), place());
    expect(seen).toMatchObject({ state: 'elsewhere', up: false, host: 'login2' });
    expect(showStatus(seen)[0]).toContain('is on login2');
  });
});
