import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox, type TestSandbox, until } from './support.ts';

let slurm: TestSandbox;

beforeAll(async () => {
  slurm = await startSandbox(['--nodes', '4']);
  makeData('data');
});
afterAll(() => slurm.down());

function makeData(name: string): void {
  const out = join(slurm.root, name);
  const made = spawnSync('/usr/bin/python3', [
    ...['examples/lm/make_data.py', '--out', out],
    ...['--samples', '120', '--files', '2', '--seed', '1'],
  ]);
  expect(made.status).toBe(0);
}

interface StageDocument {
  readonly stage: string;
  readonly runId: string;
  readonly jobId: string;
  readonly state: string;
  readonly outcome: string;
  readonly outputDir: string;
}
interface Submitted {
  readonly pipelineId: string;
  readonly stages: readonly StageDocument[];
}

const COMMON = `trainer: example
parameters: { data: data, output: runs, python: /usr/bin/python3, processes_per_node: 1, max_steps: 4, save_steps: 2 }
`;
function write(name: string, stages: string): string {
  writeFileSync(join(slurm.root, name), `${COMMON}stages:\n${stages}`);
  return name;
}
const submitFile = (file: string, more: readonly string[] = [], env: Record<string, string> = {}) =>
  slurm.opsctl(['pipeline', 'submit', file, '--json', ...more], { env });
async function submitted(file: string, more: readonly string[] = []): Promise<Submitted> {
  const result = await submitFile(file, more);
  expect(result, result.stderr).toMatchObject({ code: 0 });
  return JSON.parse(result.stdout);
}
async function states(pipelineId: string): Promise<readonly StageDocument[]> {
  const result = await slurm.opsctl(['pipeline', 'status', pipelineId, '--json']);
  return (JSON.parse(result.stdout) as Submitted).stages;
}
const outcomes = async (pipelineId: string) =>
  Object.fromEntries((await states(pipelineId)).map(({ stage, outcome }) => [stage, outcome]));
const settled = (pipelineId: string) =>
  until(
    `the end of ${pipelineId}`,
    async () => {
      const now = await outcomes(pipelineId);
      return Object.values(now).includes('active') ? undefined : now;
    },
    120_000,
  );
async function jobsNamed(beginning: string): Promise<string[]> {
  const queue = await slurm.slurm(['squeue', '--noheader', '--states=all', '--format=%j %T %r']);
  return queue.stdout
    .split('\n')
    .filter((line) => line.startsWith(beginning))
    .sort();
}
const recorded = (kind: 'runs' | 'pipelines', beginning: string) => {
  const directory = join(slurm.env.OPSCTL_HOME ?? '', kind);
  return existsSync(directory) ? readdirSync(directory).filter((name) => name.startsWith(beginning)) : [];
};
/** An sbatch before the real one that does something else for one stage. */
function sbatchFor(stage: string, body: string): Record<string, string> {
  return sbatchThat(`*--test-only*) ;; *-${stage}/job.sbatch) ${body};;`);
}
/** @param does the cases of what it does with its words instead. */
function sbatchThat(does: string): Record<string, string> {
  const directory = join(slurm.root, `bin-${Math.random().toString(36).slice(2)}`);
  mkdirSync(directory);
  const real = spawnSync('bash', ['-c', 'type -P sbatch'], { encoding: 'utf8' }).stdout.trim();
  const script = `#!/bin/bash\nREAL=${real}\ncase "$*" in ${does} esac\nexec $REAL "$@"\n`;
  writeFileSync(join(directory, 'sbatch'), script);
  chmodSync(join(directory, 'sbatch'), 0o755);
  return { PATH: `${directory}:${process.env.PATH}` };
}

describe('a pipeline', () => {
  it('feeds the newest checkpoint of each stage to those after it, and skips what was not needed', async () => {
    const file = write(
      'tree.yaml',
      `  - { phase: sft, name: first, parameters: { model: tiny } }
  - { phase: sft, name: left, after: first }
  - { phase: sft, name: right, after: first, parameters: { learning_rate: 1e-4 } }
  - { phase: sft, name: rescue, after: first, when: notok }
`,
    );
    const { pipelineId, stages } = await submitted(file);
    expect(stages.map(({ stage }) => stage)).toEqual(['first', 'left', 'right', 'rescue']);
    expect((await submitFile(file)).stderr).toContain('the same pipeline was submitted before');
    expect(await settled(pipelineId)).toEqual({ first: 'ok', left: 'ok', right: 'ok', rescue: 'skipped' });
    const [first, left, right] = stages;
    for (const after of [left, right])
      expect(readlinkSync(join(after?.outputDir ?? '', 'start', 'model', 'tiny'))).toBe(
        join(first?.outputDir ?? '', 'checkpoints', 'final_4'),
      );
    const picture = await slurm.opsctl(['pipeline', 'status', pipelineId], { env: { LC_ALL: 'C' } });
    expect(picture.code).toBe(0);
    expect(picture.stdout).toMatch(
      /\* first +COMPLETED[\s\S]*\|-\* left +COMPLETED[\s\S]*`-- rescue +SKIPPED/,
    );
    // The totals that the trainer prints at its start (fault table, row 19).
    const manifest = JSON.parse(readFileSync(join(first?.outputDir ?? '', 'manifest.json'), 'utf8'));
    expect(manifest.tokens['Total tokens for sft']).toBeGreaterThan(0);
    expect(manifest.pipeline).toEqual({ id: pipelineId, stage: 'first' });
  });

  it('ends where a stage fails, and goes on from there, with what the file says by then', async () => {
    const half = (good: string, bad: string) =>
      write(
        'half.yaml',
        `  - { phase: sft, name: good, parameters: { model: tiny${good} } }
  - { phase: sft, name: bad, parameters: { data: later${bad} } }
  - { phase: sft, name: end }
`,
      );
    const file = half('', '');
    const { pipelineId } = await submitted(file, ['--no-preflight']);
    expect(await settled(pipelineId)).toEqual({ good: 'ok', bad: 'failed', end: 'never' });
    expect((await slurm.opsctl(['pipeline', 'status', pipelineId])).code).toBe(1);
    expect((await submitFile(file)).stderr).toContain('is done in part');
    const before = await states(pipelineId);
    makeData('later');
    half(', seed: 7', ', learning_rate: 1e-4');
    const refused = await slurm.opsctl(['pipeline', 'resume', pipelineId, '--edited']);
    expect(refused).toMatchObject({ code: 64, stderr: expect.stringContaining('good: seed: 42 -> 7') });
    half('', ', learning_rate: 1e-4');
    const env = sbatchThat('*--test-only*) echo "sbatch: error: Invalid qos specification" >&2; exit 1;;');
    const resume = (...options: string[]) =>
      slurm.opsctl(['pipeline', 'resume', pipelineId, '--edited', ...options], { env });
    const checked = await resume();
    expect(checked).toMatchObject({ code: 2, stderr: expect.stringContaining('Invalid qos specification') });
    const resumed = await resume('--no-preflight', '--json');
    expect(resumed, resumed.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(resumed.stdout).submitted.map(({ stage }: StageDocument) => stage)).toEqual([
      'bad',
      'end',
    ]);
    expect(await settled(pipelineId)).toEqual({ good: 'ok', bad: 'ok', end: 'ok' });
    const after = await states(pipelineId);
    expect(after[0]?.jobId).toBe(before[0]?.jobId);
    expect(after[1]?.jobId).not.toBe(before[1]?.jobId);
    const [bad] = after.slice(1).map(({ outputDir }) => outputDir);
    expect(readFileSync(join(bad ?? '', 'job.sbatch'), 'utf8')).toContain('--learning_rate 0.0001');
    expect(existsSync(join(bad ?? '', `job-${before[1]?.jobId}.sbatch`))).toBe(true);
    expect((await submitFile(file)).stderr).not.toContain('is done in part');
    expect((await slurm.opsctl(['pipeline', 'resume', pipelineId])).stdout).toContain('Nothing to do');
  });

  it('is whole after opsctl was killed in the middle, and no stage is there twice', async () => {
    const file = write(
      'killed.yaml',
      `  - { phase: sft, name: ka, parameters: { model: tiny, step_delay: 5 } }
  - { phase: sft, name: kb }
  - { phase: sft, name: kc }
`,
    );
    const killed = await submitFile(
      file,
      [],
      sbatchFor('kb', '$REAL "$@" >/dev/null; kill -9 $PPID; exit 1'),
    );
    expect(killed.code).not.toBe(0);
    // Nothing has started: the first stage is held until Slurm has all.
    expect(await jobsNamed('killed-')).toEqual([
      expect.stringMatching(/-ka PENDING JobHeldUser/),
      expect.stringMatching(/-kb PENDING/),
    ]);
    const { pipelineId, stages } = await submitted(file);
    expect(stages.map(({ jobId }) => jobId)).toEqual([
      expect.any(String),
      expect.any(String),
      expect.any(String),
    ]);
    expect(await jobsNamed('killed-')).toHaveLength(3);
    await until('the start', async () => (await jobsNamed('killed-'))[0]?.includes('RUNNING'));
    expect((await slurm.opsctl(['pipeline', 'cancel', pipelineId])).code).toBe(0);
    expect((await jobsNamed('killed-')).every((line) => /CANCELLED|COMPLETING/.test(line))).toBe(true);
  });

  it('leaves nothing behind when Slurm refuses a stage', async () => {
    const file = write(
      'refused.yaml',
      `  - { phase: sft, name: ra, parameters: { model: tiny } }
  - { phase: sft, name: rb }
`,
    );
    const no =
      'echo "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy" >&2; exit 1';
    const result = await submitFile(file, [], sbatchFor('rb', no));
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('stage rb: Slurm refused the job');
    expect((await jobsNamed('refused-')).every((line) => line.includes('CANCELLED'))).toBe(true);
    expect([...recorded('runs', 'refused-'), ...recorded('pipelines', 'refused-')]).toEqual([]);
    expect(readdirSync(join(slurm.root, 'runs')).filter((name) => name.startsWith('refused-'))).toEqual([]);
  });
});

describe('a sweep', () => {
  it('is one array with a run for each value, which status, logs, diff and cancel know one by one', async () => {
    const result = await slurm.opsctl([
      ...['submit', 'sft', '-t', 'example', '--data', 'data', '--output', 'runs', '--name', 'grid', '--json'],
      ...['--python', '/usr/bin/python3', '--processes-per-node', '1', '--save-steps', '2', '--at-once', '2'],
      ...['--set', 'max_steps=4,4000', '--set', 'step_delay=[0.1,0.2]'],
    ]);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    const { jobId, runs } = JSON.parse(result.stdout);
    expect(runs.map((each: { values: object }) => each.values)).toEqual([
      { max_steps: 4, step_delay: 0.1 },
      { max_steps: 4, step_delay: 0.2 },
      { max_steps: 4000, step_delay: 0.1 },
      { max_steps: 4000, step_delay: 0.2 },
    ]);
    const state = async (task: number) =>
      JSON.parse((await slurm.opsctl(['status', `${jobId}_${task}`, '--json'])).stdout);
    await until(
      'two short runs',
      async () => (await state(0)).state === 'COMPLETED' && (await state(1)).state === 'COMPLETED',
      90_000,
    );
    expect(await state(0)).toMatchObject({ runId: 'grid-0', jobId: `${jobId}_0`, metrics: { step: 4 } });
    expect((await slurm.opsctl(['logs', 'grid-1'])).stdout).toContain('step=4/4');
    expect(readFileSync(join(slurm.root, 'runs', 'grid', 'logs', `${jobId}_1.log`), 'utf8')).toContain(
      'grid-1',
    );
    await until('the third', async () => (await state(2)).state === 'RUNNING', 60_000);
    expect(await slurm.opsctl(['cancel', 'grid-2'])).toMatchObject({ code: 0 });
    expect((await state(2)).state).toBe('CANCELLED');
    expect(['PENDING', 'RUNNING']).toContain((await state(3)).state);
    expect(await slurm.opsctl(['cancel', `${jobId}_3`])).toMatchObject({ code: 0 });
    const diff = await slurm.opsctl(['diff', 'grid-0', 'grid-1', '--json']);
    expect(diff.code).toBe(1);
    expect(JSON.parse(diff.stdout).parameters).toEqual([{ name: 'step_delay', before: 0.1, after: 0.2 }]);
  });
});

describe('a run that has ended', () => {
  it('is submitted once more with one thing changed', async () => {
    const dry = await slurm.opsctl(['rerun', 'grid-0', '--set', 'seed=9', '--dry-run', '--json']);
    expect(dry, dry.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(dry.stdout).script).toContain('--seed 9');
    const sweep = ['rerun', 'grid-0', '--set', 'seed=9,10', '--set', 'name=again', '--at-once', '1'];
    const dryArray = await slurm.opsctl([...sweep, '--dry-run', '--json']);
    expect(dryArray, dryArray.stderr).toMatchObject({ code: 0 });
    const array = JSON.parse(dryArray.stdout);
    expect(array.script).toContain('#SBATCH --array=0-1%1\n');
    expect(array.runs.map(({ runId, values }: { runId: string; values: object }) => [runId, values])).toEqual(
      [
        ['again-0', { seed: 9 }],
        ['again-1', { seed: 10 }],
      ],
    );
  });

  it('loses its older checkpoints to prune, and keeps what it must', async () => {
    const checkpoints = join(slurm.root, 'runs', 'grid-0', 'checkpoints');
    const before = readdirSync(checkpoints).sort();
    const plan = JSON.parse(
      (await slurm.opsctl(['prune', 'grid-0', '--keep', '1', '--min-age', '0', '--json'])).stdout,
    );
    expect(readdirSync(checkpoints).sort()).toEqual(before);
    expect(plan.items.filter((item: { action: string }) => item.action === 'delete')).toMatchObject([
      { name: 'checkpoint-2' },
    ]);
    await slurm.opsctl(['prune', 'grid-0', '--keep', '1', '--min-age', '0', '--apply']);
    expect(readdirSync(checkpoints).sort()).toEqual(before.filter((name) => name !== 'checkpoint-2'));
  });
});
