import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { loadTemplate } from '../../src/template/load.ts';
import { planOf } from '../support/plan.ts';
import { CASES, type Case } from './cases.ts';

// The whole rendered script runs in bash, with stand-ins for Slurm's and Python's programs that record their
// arguments. Whatever a user typed, the canary must not appear and the trainer must get exactly that text.
let place: string;
let canary: string;

function standIn(name: string, body: string): void {
  const path = join(place, 'bin', name);
  writeFileSync(path, `#!/bin/bash\n${body}\n`);
  chmodSync(path, 0o755);
}

beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'opsctl-hostile-'));
  canary = join(place, 'canary');
  mkdirSync(join(place, 'bin'));
  standIn('srun', 'while [[ $1 == --* ]]; do shift; done\nSLURM_NODEID=0 exec "$@"');
  standIn('scontrol', 'echo gnode01');
  standIn('getent', 'exit 0');
  // What trains: it notes what it was given.
  const record = `printf '%s\\0' "$@" >"${place}/argv"`;
  standIn('llamafactory-cli', record);
  standIn('python3', record);
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

function runScript(script: string, outputDir: string, data: string): { code: number | null; argv: string[] } {
  rmSync(join(place, 'argv'), { force: true });
  mkdirSync(join(outputDir, 'logs'), { recursive: true });
  mkdirSync(data, { recursive: true });
  for (const name of ['x.jsonl', 'x_document.bin', 'x.parquet']) writeFileSync(join(data, name), '{}\n');
  const { status } = spawnSync('bash', ['-s'], {
    timeout: 20_000,
    input: script,
    cwd: outputDir,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {
      PATH: `${join(place, 'bin')}:/usr/bin:/bin`,
      HOME: place,
      SLURM_JOB_ID: '7',
      SLURM_JOB_NODELIST: 'gnode01',
      SLURM_NNODES: '1',
      SLURM_JOB_NUM_NODES: '1',
      SLURMD_NODENAME: 'gnode01',
      CANARY: canary,
    },
  });
  const argv = existsSync(join(place, 'argv')) ? readFileSync(join(place, 'argv'), 'utf8').split('\0') : [''];
  return { code: status, argv: argv.slice(0, -1) };
}

/** Types whose values are text; numbers and names are read before they get anywhere (parameter.test.ts). */
const TEXTS = new Set(['string', 'path', 'model']);

const SPLINTERS = [
  '$(touch "$CANARY")',
  '`touch $CANARY`',
  "'; touch $CANARY; '",
  '"; touch $CANARY; "',
  '; touch $CANARY #',
  '&& touch $CANARY',
  '| touch $CANARY',
  '${IFS}touch',
  'NODE',
  '\nNODE\n',
  '\n',
  '\nYAML\ntouch $CANARY\n',
  'JSON',
  'YAML',
  '%j',
  '%%',
  '\\',
  "'",
  '"',
  '$',
  '*',
  '?',
  '[a-z]',
  '{a,b}',
  '~',
  '!!',
  '#',
  ' ',
  '  ',
  '\\n',
  '$((1+1))',
  '<(touch $CANARY)',
  '>canary',
  'é',
  '模型',
];
const hostile = fc
  .array(fc.oneof(fc.constantFrom(...SPLINTERS), fc.string({ maxLength: 6 })), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join(''));

const SIDE = ['grpo trl', 'ppo openrlhf', 'ppo verl', 'grpo verl'];
const SFT: readonly Case[] = [
  { phase: 'sft', trainer: 'example', values: {} },
  { phase: 'sft', trainer: 'xllm', values: { code: '/c' } },
  { phase: 'sft', trainer: 'trl', values: {} },
];
/** These name programs and files that the job runs or reads by intention; where there is nothing, it ends. */
const PROGRAMS = ['python', 'activate', 'modules', 'secrets_file'];
/** Where there is no such thing on this machine the job ends before the trainer. */
const ENVIRONMENTS = [
  'venv',
  'uv_project',
  'conda_env',
  'container_image',
  'container_runtime',
  'data_suffix',
];
/** Parameters that arrive in the trainer's command line as they are. */
const ARRIVE = ['model', 'data', 'tokenizer', 'eval_data', 'reference_model', 'eval_split', 'data_split'];
/** Written into a file, or as a part of a word. */
const WITHIN = ['llama-factory', 'verl'];

// Those with a second step run on the sandbox only (rlhf.test.ts): a step's end is srun's work.
const ALONE = CASES.filter(({ stage, trainer }) => !SIDE.includes(`${stage} ${trainer}`));

describe.each([...SFT, ...ALONE])('a hostile value for $phase $stage with $trainer', (one) => {
  const data = () => join(place, 'data');
  const base = () => ({
    ...one.values,
    model: '/m',
    data: data(),
    output: join(place, 'runs'),
    name: 'run',
    nodes: 1,
    gpus_per_node: 1,
  });
  const runs = one.phase === 'sft' && one.trainer !== 'openrlhf' ? 30 : 8;
  const plan = (values: Record<string, unknown>, trainerFlags: readonly string[] = []) =>
    planOf(one.trainer, values, { phase: one.phase, stage: one.stage, trainerFlags });

  it('arrives as it is, and starts nothing, in any parameter', async () => {
    const { parameters } = await loadTemplate({ HOME: '/nowhere' }, one.phase, one.trainer, one.stage);
    const typed = parameters.filter(({ name, type }) => !PROGRAMS.includes(name) && TEXTS.has(type));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...typed), hostile, async ({ name, type }, text) => {
        const isPath = (type === 'path' || type === 'model') && name !== 'output';
        const value = isPath ? `${data()}/${text}` : name === 'output' ? join(place, 'runs', text) : text;
        let made: Awaited<ReturnType<typeof planOf>>;
        try {
          made = await plan({ ...base(), [name]: value });
        } catch (error) {
          // Refused with a reason is as good.
          expect(error).toBeInstanceOf(UsageError);
          return;
        }
        const { code, argv } = runScript(made.script, made.outputDir, String(made.parameters.data?.value));
        expect(existsSync(canary), `${name} = ${value}`).toBe(false);
        if (!ENVIRONMENTS.includes(name)) expect(code, `${name} = ${value}`).toBe(0);
        if (ARRIVE.includes(name) && !WITHIN.includes(one.trainer) && one.trainer !== 'megatron')
          expect(argv).toContain(made.parameters[name]?.value);
      }),
      { numRuns: runs },
    );
  });

  it('arrives as it is behind "--" too', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(hostile, { minLength: 1, maxLength: 4 }), async (words) => {
        if (words.some((word) => /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(word))) {
          await expect(plan(base(), words)).rejects.toThrow(UsageError);
          return;
        }
        const { script, outputDir } = await plan(base(), words);
        const { argv } = runScript(script, outputDir, data());
        expect(argv.slice(-words.length)).toEqual(words);
        expect(existsSync(canary)).toBe(false);
      }),
      { numRuns: Math.ceil(runs / 4) },
    );
  });
});
