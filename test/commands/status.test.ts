import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cli } from '../../src/cli.ts';
import type { Manifest } from '../../src/run/manifest.ts';
import type { Terminal } from '../../src/terminal/terminal.ts';
import { attempt, manifest } from '../run/known.ts';
import { type Answer, type FakeExec, fakeExec, fakeSystem } from '../support/fake-exec.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'status-'));
});
afterEach(() => rm(home, { recursive: true }));

async function addRun(changes: Partial<Manifest> = {}): Promise<Manifest> {
  const runId = changes.runId ?? 'sft-tiny';
  const run = manifest({ user: userInfo().username, outputDir: join(home, 'out', runId), ...changes });
  await mkdir(join(home, 'runs', runId), { recursive: true });
  await mkdir(join(run.outputDir, 'attempts'), { recursive: true });
  await writeFile(join(home, 'runs', runId, 'manifest.json'), JSON.stringify(run));
  return run;
}

/** Runs opsctl with the given answers of Slurm's programs. */
async function opsctl(argv: readonly string[], answers: Readonly<Record<string, Answer>> | FakeExec) {
  const { exec, calls } = isFake(answers) ? answers : fakeExec(answers);
  const printed = { out: [] as string[], err: [] as string[] };
  const system = fakeSystem(exec, { env: { OPSCTL_HOME: home } });
  const terminal: Terminal = {
    out: (line) => printed.out.push(line),
    note: (line) => printed.err.push(line),
    warn: (line) => printed.err.push(line),
    style: (_, text) => text,
    width: 80,
  };
  const code = await cli(argv, system, terminal);
  return { code, calls, out: printed.out.join('\n'), err: printed.err.join('\n') };
}

function isFake(answers: Readonly<Record<string, Answer>> | FakeExec): answers is FakeExec {
  return typeof answers.exec === 'function';
}

/** One set of answers until scancel was called, another one from then on. */
function cancelling(
  before: Readonly<Record<string, Answer>>,
  after: Readonly<Record<string, Answer>>,
): FakeExec {
  const [first, then] = [fakeExec(before), fakeExec(after)];
  const cancelled = () => first.calls.some(([program]) => program === 'scancel');
  return {
    exec: (argv, options) => (cancelled() ? then : first).exec(argv, options),
    calls: first.calls,
  };
}

const queued = (state: string, jobId = '12', name = 'sft-tiny', user = userInfo().username): string =>
  `\u001e${[jobId, jobId, state, 'None', user, 'gpu', '2', 'gnode[01-02]', '1:00', '1:00:00', '1', '2', '3', `opsctl:${name}`, name].join('\u001f')}\n`;
const DISABLED = { code: 1, stderr: 'Slurm accounting storage is disabled\n' };
const MISSING = { code: 127, missing: true };
const SILENT = { code: null, timedOut: true };

describe('opsctl status', () => {
  it('asks Slurm once each, however many runs there are', async () => {
    for (const number of [1, 2, 3]) await addRun({ runId: `run-${number}`, jobId: String(number) });
    const { code, calls, out } = await opsctl(['status'], {
      squeue: { stdout: queued('RUNNING', '2', 'run-2') },
      sacct: DISABLED,
    });
    expect(code).toBe(0);
    expect(calls.map(([program]) => program).sort()).toEqual(['sacct', 'squeue']);
    expect(out).toMatch(/run-2 +2 +RUNNING +00:01:00 of 01:00:00 +gnode\[01-02\]/);
    expect(out).toMatch(/run-3 +3 +UNKNOWN/);
  });

  it('always shows active runs, and says how many others it left out', async () => {
    for (let number = 10; number < 40; number++) {
      await addRun({
        runId: `run-${number}`,
        jobId: String(number),
        createdAt: `2026-11-23T19:${number}:00Z`,
      });
    }
    const answers = { squeue: { stdout: queued('RUNNING', '10', 'run-10') }, sacct: DISABLED };
    const { out, err } = await opsctl(['status'], answers);
    expect(out.split('\n')).toHaveLength(1 + 20 + 1);
    expect(out).toContain('run-10');
    expect(err).toContain('9 older runs');
    expect((await opsctl(['status', '--all'], answers)).out.split('\n')).toHaveLength(31);
  });

  it('shows what the files say with exit code 69 where Slurm is not installed', async () => {
    const run = await addRun();
    const record = attempt({ exitCode: 0 });
    await writeFile(join(run.outputDir, 'attempts', '0.json'), JSON.stringify(record));
    const { code, out, err } = await opsctl(['status', 'sft-tiny', '--json'], {
      squeue: MISSING,
      sacct: MISSING,
    });
    expect(code).toBe(69);
    expect(JSON.parse(out)).toMatchObject({ state: 'UNKNOWN', attempts: [record] });
    expect(err).toContain('not installed');
  });

  it('has an exit code for each end', async () => {
    await addRun();
    const codes: Record<string, number> = {
      RUNNING: 0,
      PENDING: 0,
      COMPLETED: 0,
      FAILED: 1,
      TIMEOUT: 1,
      CANCELLED: 1,
      ODD: 3,
    };
    for (const [state, expected] of Object.entries(codes)) {
      const { code } = await opsctl(['status', 'last'], {
        squeue: { stdout: queued(state) },
        sacct: DISABLED,
      });
      expect([state, code]).toEqual([state, expected]);
    }
    const silent = await opsctl(['status', 'last'], { squeue: SILENT, sacct: SILENT });
    expect(silent.code).toBe(75);
  });

  it('shows no control codes of a job that somebody else named', async () => {
    const stdout = queued('RUNNING', '77', 'x', 'eve\u001b[31m');
    const { out } = await opsctl(['status', '77'], { squeue: { stdout }, sacct: DISABLED });
    expect(out).toContain('eve');
    expect(out).not.toContain('\u001b');
  });
});

describe('opsctl cancel', () => {
  it('says what Slurm shows afterwards, not what scancel answered', async () => {
    await addRun();
    const refused = 'scancel: error: Kill job error on job id 12: Job/step already completing or completed';
    const fake = cancelling(
      { squeue: { stdout: queued('RUNNING') }, sacct: DISABLED, scancel: { code: 1, stderr: refused } },
      { squeue: { stdout: queued('CANCELLED') }, sacct: DISABLED },
    );
    const { code, out, calls } = await opsctl(['cancel', 'sft-tiny', '--json'], fake);
    expect(JSON.parse(out)).toEqual({
      runId: 'sft-tiny',
      jobId: '12',
      before: 'RUNNING',
      after: 'CANCELLED',
    });
    expect(code).toBe(0);
    expect(calls).toContainEqual(['scancel', '12']);
  });

  it("leaves another user's job alone", async () => {
    const stdout = queued('RUNNING', '77', 'x', 'eve');
    const { code, err } = await opsctl(['cancel', '77'], { squeue: { stdout }, sacct: DISABLED });
    expect(code).toBe(1);
    expect(err).toContain("is eve's, not yours");
  });

  it('takes an id that another job has by now for that job, and says nothing of the run', async () => {
    await addRun();
    const stdout = queued('RUNNING', '12', 'another');
    const { code, out } = await opsctl(['cancel', '12', '--signal', 'USR1'], {
      squeue: { stdout },
      sacct: DISABLED,
      'scancel --signal=USR1 12': {},
    });
    expect([code, out]).toEqual([0, 'Job 12 was sent the signal; it is RUNNING.']);
  });

  it('never takes a number for the beginning of a name', async () => {
    await addRun({ runId: '7b-sft', jobId: '12' });
    const { code, out } = await opsctl(['cancel', '7'], { squeue: {}, sacct: DISABLED });
    expect([code, out]).toEqual([3, 'Job 7: Slurm was not asked to end it, because it shows no such job.']);
  });
});

describe('opsctl logs', () => {
  it('shows the newest state of a progress bar, and the file as it is with --raw', async () => {
    const run = await addRun();
    await mkdir(join(run.outputDir, 'logs'));
    await writeFile(join(run.outputDir, 'logs', 'job.log'), 'a\n 1%|\r 2%|\u001b[A\nc');
    expect((await opsctl(['logs', 'last'], {})).out).toBe('a\n 2%|\nc');
    expect((await opsctl(['logs', 'last', '--raw', '--lines', '2'], {})).out).toBe(' 1%|\r 2%|\u001b[A\nc');
    const document = JSON.parse((await opsctl(['logs', 'last', '--lines', '1', '--json'], {})).out);
    expect(document).toEqual([{ file: join(run.outputDir, 'logs', 'job.log'), line: 3, text: 'c' }]);
  });

  it('says that the job waits when there is no log yet', async () => {
    await addRun();
    const answers = { squeue: { stdout: queued('PENDING') }, sacct: DISABLED };
    expect(await opsctl(['logs', 'last'], answers)).toMatchObject({
      code: 3,
      err: expect.stringContaining('PENDING'),
    });
  });

  it.each([
    [['--json', '-f'], 'no end'],
    [['--rank', '1', '--node', '0'], 'exclude each other'],
    [['--rank', 'one'], '--rank takes a whole number'],
    [['--rank', '9'], 'Its ranks are 0 to 3'],
  ])('refuses %j', async (flags, words) => {
    await addRun();
    expect(await opsctl(['logs', 'last', ...flags], {})).toMatchObject({
      code: 64,
      err: expect.stringContaining(words),
    });
  });
});
