import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const OPSCTL = join(import.meta.dirname, '..', '..', 'bin', 'opsctl.cjs');
let place: string;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'opsctl-interrupt-'));
  for (const name of ['bin', 'data']) mkdirSync(join(place, name));
  writeFileSync(join(place, 'data', 'a.jsonl'), '{"id":"1","data":["question","answer"]}\n');
  // Stands in for a controller that takes its time: it has the job when it has been asked.
  slow('sbatch', 'echo 4711');
});

/** A program that says that it was asked, and does the rest only when it is told. */
function slow(name: string, rest: string): void {
  program(
    name,
    `echo $$ >${place}/asked; while [ -e ${place}/asked ] && [ ! -e ${place}/answer ]; do sleep 0.05; done; ${rest}`,
  );
}

function program(name: string, body: string): void {
  writeFileSync(join(place, 'bin', name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(place, 'bin', name), 0o755);
}
afterEach(() => rmSync(place, { recursive: true, force: true }));

const words = () => [
  'submit',
  'sft',
  '-t',
  'example',
  '--data',
  join(place, 'data'),
  '--output',
  join(place, 'runs'),
];
const env = () => ({
  ...process.env,
  PATH: `${join(place, 'bin')}:${process.env.PATH}`,
  OPSCTL_HOME: join(place, 'state'),
  SLURM_CONF: '',
});

/** A submission that waits for a slow program, with what it has said until now. */
async function submission(name = 'one', more: readonly string[] = []) {
  const child = spawn('node', [OPSCTL, ...words(), ...more, '--name', name, '--no-preflight', '--json'], {
    env: env(),
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (text) => (said.out += text));
  child.stderr.on('data', (text) => (said.err += text));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await until(() => existsSync(join(place, 'asked')));
  return { child, said, ended };
}

async function until(isSo: () => boolean): Promise<void> {
  for (let left = 400; !isSo(); left--) {
    if (left === 0) throw new Error('waited 20 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const answer = () => writeFileSync(join(place, 'answer'), '');
const manifest = () => JSON.parse(readFileSync(join(place, 'state', 'runs', 'one', 'manifest.json'), 'utf8'));

describe('Ctrl-C while sbatch is at work', () => {
  it('does not lose the job: its answer is waited for', async () => {
    const { child, said, ended } = await submission();
    child.kill('SIGINT');
    await until(() => said.err.includes('waiting for its answer'));
    answer();
    expect(await ended).toBe(0);
    // What cannot be taken back any more is not said to be.
    expect(said.err).not.toContain('taking back');
    expect(said.err).toContain('it was submitted all the same: "opsctl cancel one" ends it');
    expect(JSON.parse(said.out)).toMatchObject({ jobId: '4711' });
    expect(manifest()).toMatchObject({ state: 'submitted', jobId: '4711' });
  });

  it('ends opsctl the second time, with what to do, and the intent stays', async () => {
    const { child, said, ended } = await submission();
    child.kill('SIGINT');
    await until(() => said.err.includes('waiting for its answer'));
    child.kill('SIGINT');
    await until(() => said.err.includes('opsctl status one'));
    answer();
    expect(await ended).toBe(130);
    expect(manifest()).toMatchObject({ state: 'submitting', jobId: null });
  });
});

describe('Ctrl-C before sbatch is called', () => {
  const left = () => [
    ...(existsSync(join(place, 'runs')) ? readdirSync(join(place, 'runs')) : []),
    ...(existsSync(join(place, 'state', 'runs')) ? readdirSync(join(place, 'state', 'runs')) : []),
  ];

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s leaves nothing behind while git takes its time',
    async (signal) => {
      slow('git', 'exit 1');
      mkdirSync(join(place, 'code', '.git'), { recursive: true });
      const { child, ended } = await submission('one', [
        '-t',
        'xllm',
        '--model',
        '/models/tiny',
        '--code',
        join(place, 'code'),
      ]);
      child.kill(signal);
      expect(await ended).not.toBe(0);
      answer();
      expect(left()).toEqual([]);
    },
  );

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s takes what was written away again, and says so',
    async (signal) => {
      program('sbatch', 'echo 4711');
      const first = spawnSync('node', [OPSCTL, ...words(), '--name', 'one', '--no-preflight'], {
        env: env(),
      });
      expect(first.status).toBe(0);
      // Whether the run before has ended is asked when everything of the new one is written.
      program('sbatch', `touch ${place}/submitted`);
      slow('squeue', 'exit 1');
      program('sacct', 'exit 1');
      const { child, said, ended } = await submission('two');
      expect(left()).toEqual(['one', 'two', 'one', 'two']);
      child.kill(signal);
      answer();
      expect(await ended).toBe(130);
      expect(said.err).toContain('nothing was submitted');
      expect(left()).toEqual(['one', 'one']);
      expect(existsSync(join(place, 'submitted'))).toBe(false);
    },
  );
});

describe('a submission that Slurm refuses', () => {
  const words = (...more: string[]) => [
    'submit',
    'sft',
    '-t',
    'example',
    '--data',
    join(place, 'data'),
    ...more,
  ];
  const submit = (...more: string[]) =>
    spawnSync('node', [OPSCTL, ...words(...more), '--no-preflight'], { env: env(), encoding: 'utf8' });
  const record = (comment: string) => [
    '2',
    '2',
    'RUNNING',
    'None',
    userInfo().username,
    'gpu',
    '1',
    'n1',
    '1:00',
    '1:00:00',
    '1',
    '2',
    '3',
    comment,
    'one',
  ];

  it("is not taken for another job of the run's name", () => {
    program('sbatch', 'echo "sbatch: error: invalid reservation" >&2; exit 1');
    for (const comment of ['(null)', 'project 42']) {
      program('squeue', `printf '\\036${record(comment).join('\\037')}\\n'`);
      const { status, stderr } = submit('--output', join(place, 'runs'), '--name', 'one');
      expect([status, stderr]).toEqual([1, expect.stringContaining('Slurm refused the job')]);
      expect(existsSync(join(place, 'state', 'runs', 'one'))).toBe(false);
    }
  });

  it('leaves none of the directories that were made for it, and those that were there', () => {
    program('sbatch', 'exit 1');
    program('squeue', 'true');
    mkdirSync(join(place, 'there'));
    for (const output of ['new/deep/runs', 'there/deep']) {
      const { status, stderr } = submit('--output', join(place, output), '--name', 'one');
      expect([status, stderr]).toEqual([1, expect.stringContaining('Nothing was left behind')]);
    }
    expect([existsSync(join(place, 'new')), readdirSync(join(place, 'there'))]).toEqual([false, []]);
  });
});
