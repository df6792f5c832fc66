import { rmSync, writeFileSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { cli } from '../../src/cli.ts';
import { batchLog } from '../../src/run/log-files.ts';
import { readRun } from '../../src/run/registry.ts';
import type { Exec } from '../../src/system/exec.ts';
import type { System } from '../../src/system/system.ts';
import type { Terminal } from '../../src/terminal/terminal.ts';
import { type Phase, scenario, systemOf } from '../remedy/scenario.ts';

const OUT_OF_MEMORY =
  '[rank0]: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.15 GiB\n';

interface Plan {
  readonly runId: string | null;
  readonly jobId: string | null;
  readonly status: string;
  readonly fault: string | null;
  readonly plan: {
    readonly steps: readonly { readonly command: readonly string[]; readonly runs: readonly string[] }[];
    readonly refused: readonly { readonly rail: string }[];
  };
}

async function start(phase: Phase) {
  const made = await scenario(phase);
  onTestFinished(() => rmSync(made.root, { recursive: true, force: true }));
  return { made, ...systemOf(made) };
}

/** Types a command; what it says on standard output and on standard error. */
async function opsctl(system: System, ...words: string[]) {
  const printed = { out: [] as string[], err: [] as string[] };
  const terminal: Terminal = {
    out: (line) => void printed.out.push(line),
    note: (line) => void printed.err.push(line),
    warn: (line) => void printed.err.push(line),
    style: (_, text) => text,
    width: 80,
  };
  const code = await cli(words, system, terminal);
  return { code, out: printed.out.join('\n'), err: printed.err.join('\n') };
}
const run = (system: System, ...words: string[]) => opsctl(system, 'runbook', 'run', ...words);
const document = (out: string): Plan => JSON.parse(out) as Plan;

it('prints a command that does exactly the step, and the run’s record knows the job when that is typed', async () => {
  const { system, made, slurm } = await start('failed');
  const { out } = await run(system, 'tiny-run', '--only', 'resubmit', '--set', 'nodes=1', '--json');
  const [step] = document(out).plan.steps;
  expect(step?.runs.slice(0, 2)).toEqual(['sbatch', '--parsable']);
  const [program, ...words] = step?.command ?? [];
  expect(program).toBe('opsctl');
  const typed = await opsctl(system, ...words);
  expect(typed.code).toBe(0);
  expect(typed.out).toContain('done  resubmit: job 14, with nodes=1');
  expect(await readRun(system, 'tiny-run')).toMatchObject({
    jobId: '14',
    parameters: { nodes: { value: 1 } },
  });
  expect(slurm.jobs()).toHaveLength(2);
  expect(made.run.jobId).toBe('12');
});

it.each([
  [['--only', 'nonsense'], 'opsctl has no act "nonsense".', 'resume-earlier'],
  [['--only', 'resubmitt'], 'Did you mean "resubmit"?', 'Acts and remedies'],
  [['--only', 'resubmit', '--set', 'nope=1'], 'nope', ''],
  [['--only', 'resubmit', '--set', 'nods=1'], 'Did you mean "nodes"?', ''],
  [['--only', 'resubmit', '--set', 'nodes=x'], 'nodes', ''],
  [['--only', 'resubmit', '--set', 'nodes=1;id'], 'nodes', ''],
  [['--only', 'resubmit', '--set', 'output=/elsewhere'], 'the run would move', 'opsctl rerun'],
  [['--only', 'hold', '--set', 'nodes=1'], '--set changes the next attempt, and hold starts none', '--only'],
  [['--only', 'resubmit', '--before-step', '1e3'], '--before-step 1e3 is no step', '4000'],
  [['--set', 'nodes=1'], '--set says how to do what --only asks for', 'Give --only'],
  [['--node', 'gnode01'], '--node says how to do what --only asks for', 'Give --only'],
])('refuses %j before there is a plan', async (words, says, hint) => {
  const { system } = await start('failed');
  const { code, out, err } = await run(system, 'tiny-run', ...words);
  expect(code).toBe(64);
  expect(err).toContain(says);
  expect(err).toContain(hint);
  expect(out).toBe('');
});

it('is 0 when all is as the act wants it: held, released, ended', async () => {
  const { system } = await start('held');
  const apply = (act: string) => run(system, 'tiny-run', '--only', act, '--apply', '--yes');
  expect((await apply('hold')).out).toContain('hold (already): the job is held');
  for (const act of ['hold', 'release', 'release', 'cancel', 'cancel'])
    expect({ act, code: (await apply(act)).code }).toEqual({ act, code: 0 });
});

/** Every program of Slurm's hangs until its time limit. */
function hanging({ exec: _, ...system }: System): { system: System; calls: string[] } {
  const calls: string[] = [];
  const exec: Exec = async (argv) => {
    calls.push(argv[0] ?? '');
    return { argv, code: null, stdout: '', stderr: '', timedOut: true, missing: false };
  };
  return { calls, system: { ...system, exec } };
}

it.each([
  ['tiny-run'],
  ['12'],
  ['99'],
  ['tiny-run', '--only', 'cancel', '--apply', '--yes'],
  ['12', '--only', 'exclude-node', '--node', 'gnode01'],
  ['99', '--only', 'cancel', '--apply', '--yes', '--json'],
])('waits for a Slurm that is down once, and ends with 75: %j %j %j', async (...words) => {
  const { system } = await start('running');
  const { system: down, calls } = hanging(system);
  const { code, err } = await run(down, ...words);
  expect(code).toBe(75);
  expect(err).toContain('did not answer');
  expect(calls.filter((program) => program !== 'sacct')).toHaveLength(1);
});

it('keeps the diagnosis in sight when a person wants something else done', async () => {
  const { system, made } = await start('failed');
  writeFileSync(batchLog(made.run.outputDir), OUT_OF_MEMORY);
  const without = document((await run(system, 'tiny-run', '--json')).out);
  expect(without).toMatchObject({ status: 'diagnosed', fault: 'cuda-oom' });
  const { out, code } = await run(system, 'tiny-run', '--only', 'resubmit');
  expect(out.split('\n')[0]).toContain(`run tiny-run, job 12: ${without.fault} (`);
  expect(out).toContain('why      asked for by hand');
  expect(code).toBe(1);
  expect(document((await run(system, 'tiny-run', '--only', 'resubmit', '--json')).out).fault).toBe(
    without.fault,
  );
});

it('names a job that Slurm does not show', async () => {
  const { system } = await start('failed');
  const { out, code } = await run(system, '99', '--only', 'cancel');
  expect(out.split('\n')[0]).toBe('job 99: the cause is not known');
  expect(code).toBe(3);
  expect(document((await run(system, '99', '--only', 'cancel', '--json')).out).jobId).toBe('99');
});

it.each([
  ['90m', 90],
  ['1h', 60],
  ['1d12h', 36 * 60],
  ['4:00:00', 240],
])('excludes a node for %s', async (time, minutes) => {
  const { system } = await start('failed');
  const words = ['runbook', 'exclude', 'gnode01', '--for', time, '--json'];
  const [{ since, expires }] = JSON.parse((await opsctl(system, ...words)).out) as [
    { since: string; expires: string },
  ];
  expect(Date.parse(expires) - Date.parse(since)).toBe(minutes * 60_000);
  expect((await opsctl(system, 'runbook', 'exclude', 'gnode01', '--for', '99999w')).code).toBe(64);
});
