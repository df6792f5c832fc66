import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

const BIN = join(import.meta.dirname, '..', '..', 'bin', 'opsctl.cjs');
const FAULTS = join(import.meta.dirname, '..', 'fixtures', 'faults');
const home = mkdtempSync(join(tmpdir(), 'opsctl-test-'));
afterAll(() => rmSync(home, { recursive: true }));

const env = {
  ...process.env,
  OPSCTL_HOME: home,
  OPSCTL_RUNBOOKS: join(home, 'none'),
  LANG: 'C',
  LC_ALL: 'C',
};

function opsctl(argv: readonly string[], input = '') {
  return spawnSync(process.execPath, [BIN, ...argv], { input, encoding: 'utf8', env });
}

const log = (fault: string) => join(FAULTS, `${fault}.log`);

describe('opsctl diagnose', () => {
  it('says the cause, its line, and what to do, and exits with 1', () => {
    const { stdout, stderr, status } = opsctl(['diagnose', log('disk-quota')]);
    expect(stdout).toMatch(/^disk-quota {2}Your quota/);
    expect(stdout).toMatch(
      /^> .*disk-quota\.log:18: \[rank 2\] OSError: \[Errno 122\] Disk quota exceeded$/m,
    );
    expect(stdout).toContain('opsctl prune RUN');
    expect([stderr, status]).toEqual(['', 1]);
  });

  it.each([
    ['is not sure which disk is full where no line says it', 'handle.write(block)', 'disk-full', 0, 0.8],
    ['finds /dev/shm in the frames', 'shm_file.write(block)', 'shm-exhausted', 0.8, 1],
  ])('%s', (_, frame, fault, least, below) => {
    const lines = [
      'Traceback (most recent call last):',
      '  File "train.py", line 12, in fill',
      `    ${frame}`,
      'OSError: [Errno 28] No space left on device',
    ];
    const ranks = `${lines.map((line) => `1: [default1]:${line}\n`).join('')}0: [default0]:RuntimeError: Connection closed by peer\n`;
    const [cause] = JSON.parse(opsctl(['diagnose', '-', '--json'], ranks).stdout).causes;
    expect(cause.fault).toBe(fault);
    expect(cause.confidence).toBeGreaterThanOrEqual(least);
    expect(cause.confidence).toBeLessThan(below);
  });

  it('gives the document that is promised', () => {
    const { stdout, status } = opsctl(['diagnose', log('gpu-lost'), '--json']);
    const { causes, ...document } = JSON.parse(stdout);
    expect(document).toMatchObject({ status: 'diagnosed', ruledOut: expect.any(Array) });
    expect(causes[0]).toMatchObject({ fault: 'gpu-lost', summary: expect.any(String) });
    expect(causes[0].confidence).toBeGreaterThanOrEqual(0.8);
    expect(Object.keys(causes[0].evidence[0]).sort()).toEqual([
      'file',
      'line',
      'node',
      'rank',
      'role',
      'text',
    ]);
    expect(causes[0].remedies[0]).toMatchObject({
      id: expect.any(String),
      level: 'L2',
      command: expect.any(String),
    });
    expect(status).toBe(1);
  });

  it('exits with 0 for a healthy run and 3 where it does not know', () => {
    expect(opsctl(['diagnose', log('healthy')]).status).toBe(0);
    expect(opsctl(['diagnose', '-'], 'srun: error: n1: task 0: Exited with exit code 1\n').status).toBe(3);
    expect(opsctl(['diagnose', '-'], '').status).toBe(3);
  });

  it('takes the logs of several ranks as one job', () => {
    writeFileSync(join(home, 'r0.log'), 'RuntimeError: [gloo] Connection closed by peer\n');
    const { stdout } = opsctl(['diagnose', join(home, 'r0.log'), log('shm-exhausted')]);
    expect(stdout).toMatch(/^shm-exhausted /);
  });

  it('lets no escape code of a log reach the terminal', () => {
    const { stdout } = opsctl(
      ['diagnose', '-'],
      '\u001b[2J\u001b]0;x\u0007OSError: [Errno 122] Disk quota exceeded: "\u009b31m"\n',
    );
    expect(stdout).toContain('disk-quota');
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  it('names a file that is not there, and a run that is not', () => {
    expect(opsctl(['diagnose', 'gone.log']).stderr).toMatch(/cannot read gone\.log: ENOENT/);
    const { stderr, status } = opsctl(['diagnose', 'no-such-run']);
    expect([stderr, status]).toEqual([expect.stringContaining('no run or job "no-such-run"'), 64]);
  });
});

describe('opsctl faults', () => {
  it('lists every fault with the rows of the fault table', () => {
    const { stdout } = opsctl(['faults', 'list']);
    expect(stdout).toMatch(/^disk-quota +10, 29, 39 /m);
    expect(JSON.parse(opsctl(['faults', 'list', '--json']).stdout)).toHaveLength(45);
  });

  it('shows which signatures matched and which won', () => {
    const { stdout, status } = opsctl(['faults', 'test', log('node-fail')]);
    expect(stdout).toMatch(/^> +node-fail\/node-failure +root +96/m);
    expect(status).toBe(1);
  });
});

describe('opsctl runbook', () => {
  it('shows one in the language asked for', async () => {
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, [BIN, 'runbook', 'show', 'hang', '--lang', 'zh-CN'], {
      env,
    });
    expect(stdout).toContain('## 症状');
  });

  it('guesses what was meant', () => {
    const { stderr, status } = opsctl(['runbook', 'show', 'disk-qota']);
    expect([stderr, status]).toEqual([expect.stringContaining('Did you mean "disk-quota"?'), 64]);
  });
});
