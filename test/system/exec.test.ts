import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ExecResult, exec } from '../../src/system/exec.ts';

/** Starts a child that leaves its group and keeps the output open for a minute; prints its pid. */
function escapes(): string {
  const place = mkdtempSync(join(tmpdir(), 'opsctl-exec-'));
  onTestFinished(() => rmSync(place, { recursive: true }));
  const file = join(place, 'pid');
  return `setsid --fork bash -c 'echo $$ >${file}; exec sleep 60'; until [[ -s ${file} ]]; do sleep 0.05; done; cat ${file}`;
}

/** It had the output open to the last; it is ended here. False when it was gone already. */
function endEscaped({ stdout }: ExecResult): boolean {
  const [pid] = /^\d+(?=\n$)/.exec(stdout) ?? [];
  try {
    return pid !== undefined && process.kill(Number(pid), 'SIGKILL');
  } catch {
    return false;
  }
}

describe('exec', () => {
  it('hands every argument over as it is, whatever bash would make of it', async () => {
    const words = ['$(touch x)', '`id`', "it's", 'a b', '*', ';', '', '~', '\n', '&&', '!'];
    const result = await exec(['printf', '%s\\0', ...words]);
    expect(result.stdout.split('\0').slice(0, -1)).toEqual(words);
  });

  it('gives exit code, output and errors of a program that fails', async () => {
    const result = await exec(['bash', '-c', 'echo out; echo err >&2; exit 3']);
    expect(result).toMatchObject({
      code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
      timedOut: false,
      missing: false,
    });
  });

  it('knows a program that is not there from one that exits with 127', async () => {
    expect(await exec(['no-such-program-here'])).toMatchObject({ missing: true });
    expect(await exec(['bash', '-c', 'exit 127'])).toMatchObject({ missing: false, code: 127 });
    expect(await exec(['true'], { cwd: '/no/such/directory' })).toMatchObject({
      missing: false,
      code: expect.any(Number),
    });
  });

  it('ends a program and its children at the limit, even those that ignore TERM', async () => {
    const start = performance.now();
    const mark = `opsctl-exec-test-${process.pid}`;
    const result = await exec(['bash', '-c', `trap "" TERM; (exec -a ${mark} sleep 60) & wait`], {
      timeoutMs: 300,
    });
    expect(result.timedOut).toBe(true);
    expect(performance.now() - start).toBeLessThan(10_000);
    expect((await exec(['pgrep', '-f', `^${mark}`])).stdout).toBe('');
  });

  it('returns at the limit although an escaped child holds the output open', async () => {
    const result = await exec(['bash', '-c', `${escapes()}; sleep 60`], { timeoutMs: 3_000 });
    expect(result.timedOut).toBe(true);
    expect(endEscaped(result)).toBe(true);
  });

  it('is done when the program is, although what that leaves running holds the output open', async () => {
    const result = await exec(['bash', '-c', escapes()], { timeoutMs: 30_000 });
    expect(result).toMatchObject({ timedOut: false, code: 0 });
    expect(endEscaped(result)).toBe(true);
  });

  it('answers for words that no program can be started with', async () => {
    expect(await exec([''])).toMatchObject({ code: null });
    const result = await exec(['printf', 'a\0b']);
    expect(result).toMatchObject({ code: null, timedOut: false });
    expect(result.stderr).toContain('printf: ');
  });

  it('gives an empty standard input, so that nothing waits for a terminal', async () => {
    expect((await exec(['cat'])).stdout).toBe('');
    expect((await exec(['cat'], { input: 'text' })).stdout).toBe('text');
  });

  it('outlives a program that goes away without reading its input', async () => {
    const input = 'x'.repeat(1 << 20);
    expect(await exec(['true'], { input })).toMatchObject({ code: 0 });
    expect(await exec(['no-such-program-here'], { input })).toMatchObject({ missing: true });
  });

  it('runs with the environment it is given and no other', async () => {
    const result = await exec(['bash', '-c', 'echo "${A-none} ${HOME-none}"'], {
      env: { A: '1', PATH: process.env.PATH, HOME: undefined },
    });
    expect(result.stdout).toBe('1 none\n');
  });
});
