import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { loadTemplate, type Template } from '../../src/template/load.ts';
import type { Parameter } from '../../src/template/parameter.ts';
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
  const record = `printf '%s\\0' "$@" >"$RECORD"`;
  standIn('llamafactory-cli', record);
  standIn('python3', record);
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

/** A place for one run, so that several run at the same time. */
interface Run {
  readonly output: string;
  readonly data: string;
}

async function runScript(
  script: string,
  outputDir: string,
  { data }: Run,
): Promise<{ code: number | null; argv: string[] }> {
  const record = join(outputDir, 'argv');
  mkdirSync(join(outputDir, 'logs'), { recursive: true });
  mkdirSync(data, { recursive: true });
  for (const name of ['x.jsonl', 'x_document.bin', 'x.parquet']) writeFileSync(join(data, name), '{}\n');
  const code = await new Promise<number | null>((resolve) => {
    const child = spawn('bash', ['-s'], {
      timeout: 20_000,
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
        RECORD: record,
      },
    });
    child.once('close', resolve);
    child.stdin.on('error', () => undefined).end(script);
  });
  const argv = existsSync(record) ? readFileSync(record, 'utf8').split('\0') : [''];
  return { code, argv: argv.slice(0, -1) };
}

/** Types whose values are text; numbers and names are read before they get anywhere (parameter.test.ts). */
/** They run beside each other, and on a busy machine one waits for the processor while the others have it. */
const BUSY_MS = 180_000;
const TEXTS = new Set(['string', 'path', 'paths', 'model']);

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

/** Those with a second step run on the sandbox only (rlhf.test.ts): a step's end is srun's work. */
const SIDE = ['grpo trl', 'ppo openrlhf', 'ppo verl', 'grpo verl'];
const SFT: readonly Case[] = [
  { phase: 'sft', trainer: 'example', values: {} },
  { phase: 'sft', trainer: 'xllm', values: { code: '/c' } },
  { phase: 'sft', trainer: 'trl', values: {} },
];
/** These name programs and files that the job runs or reads by intention; where there is nothing, it ends. */
const PROGRAMS = ['python', 'activate', 'modules', 'secrets_file', 'program'];
/** Where there is no such thing on this machine the job ends before the trainer: each by itself. */
const ENVIRONMENTS = [
  'venv',
  'uv_project',
  'conda_env',
  'container_image',
  'container_runtime',
  'data_suffix',
  'more_data',
  'data_shares',
];
/** Parameters that arrive in the trainer's command line as they are. */
const ARRIVE = ['model', 'data', 'tokenizer', 'eval_data', 'reference_model', 'eval_split', 'data_split'];
/** Written into a file, or as a part of a word. */
const WITHIN = ['llama-factory', 'verl', 'verl-merger', 'megatron'];

describe.concurrent.each([...SFT, ...CASES])('a hostile value for $phase $stage with $trainer', (one) => {
  const isAlone = !SIDE.includes(`${one.stage} ${one.trainer}`);
  let runs = 0;
  const newRun = (): Run => {
    const directory = join(place, `${one.phase}-${one.stage}-${one.trainer}-${runs++}`);
    return { output: join(directory, 'runs'), data: join(directory, 'data') };
  };
  const load = () => loadTemplate({ HOME: '/nowhere' }, one.phase, one.trainer, one.stage);
  const base = ({ parameters }: Template, run: Run) => {
    const model = parameters.find(({ name }) => name === 'model')?.type === 'name' ? 'm' : '/m';
    const nodes = parameters.find(({ name }) => name === 'nodes')?.min ?? 1;
    const program = join(place, 'bin', 'python3');
    const own = { model, data: run.data, output: run.output, name: 'run', nodes, gpus_per_node: 1, program };
    const known = Object.entries(own).filter(([name]) => parameters.some((each) => each.name === name));
    return { ...one.values, ...Object.fromEntries(known) };
  };
  const plan = (values: Record<string, unknown>, trainerFlags: readonly string[] = []) =>
    planOf(one.trainer, values, { phase: one.phase, stage: one.stage, trainerFlags });
  /** The value as somebody would type it for this parameter. */
  const typed = ({ name, type }: Parameter, text: string, run: Run): string => {
    if (name === 'output') return join(run.output, text);
    return type === 'path' || type === 'model' ? `${run.data}/${text}` : text;
  };

  it(
    'arrives as it is, and starts nothing, in any parameter',
    async () => {
      const template = await load();
      const texts = template.parameters.filter(
        ({ name, type }) => !PROGRAMS.includes(name) && TEXTS.has(type),
      );
      const together = texts.filter(({ name }) => !ENVIRONMENTS.includes(name));
      const apart = texts.filter(({ name }) => ENVIRONMENTS.includes(name));
      const check = async (parameters: readonly Parameter[], words: readonly string[], mustEnd: boolean) => {
        const run = newRun();
        const values: Record<string, unknown> = base(template, run);
        let taken = 0;
        for (const [index, parameter] of parameters.entries()) {
          const value = typed(parameter, words[index] ?? '', run);
          // Refused with a reason is as good; what is not refused by itself goes into the run with the others.
          const refused = await plan({ ...values, [parameter.name]: value }).then(
            () => undefined,
            (error: unknown) => error,
          );
          if (refused === undefined) {
            values[parameter.name] = value;
            taken += 1;
          } else expect(refused, `${parameter.name} = ${value}`).toBeInstanceOf(UsageError);
        }
        if (taken === 0) return;
        const { script, outputDir, parameters: settled } = await plan(values);
        const data = String(settled.data?.value ?? run.data);
        if (!isAlone) return;
        const { code, argv } = await runScript(script, outputDir, { ...run, data });
        expect(existsSync(canary), JSON.stringify(values)).toBe(false);
        if (!mustEnd) return;
        expect(code, JSON.stringify(values)).toBe(0);
        if (WITHIN.includes(one.trainer)) return;
        for (const name of ARRIVE.filter((each) => each in values && each in settled)) {
          const value = settled[name]?.value;
          const isList = template.parameters.find((each) => each.name === name)?.type === 'paths';
          for (const word of isList ? String(value).split(' ') : [value]) expect(argv).toContain(word);
        }
      };
      const words = fc.array(hostile, { minLength: together.length, maxLength: together.length });
      await fc.assert(
        fc.asyncProperty(words, (each) => check(together, each, true)),
        { numRuns: 3 },
      );
      for (const parameter of apart)
        await fc.assert(
          fc.asyncProperty(hostile, (word) => check([parameter], [word], false)),
          { numRuns: 1 },
        );
    },
    BUSY_MS,
  );

  it(
    'arrives as it is behind "--" too',
    async () => {
      const template = await load();
      const refused = (word: string) => /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(word);
      await fc.assert(
        fc.asyncProperty(fc.array(hostile, { minLength: 4, maxLength: 12 }), async (words) => {
          const run = newRun();
          const values = base(template, run);
          if (words.some(refused)) await expect(plan(values, words)).rejects.toThrow(UsageError);
          const flags = words.filter((word) => !refused(word));
          const { script, outputDir } = await plan(values, flags);
          if (!isAlone) return;
          const { argv } = await runScript(script, outputDir, run);
          expect(flags.length === 0 ? [] : argv.slice(-flags.length)).toEqual(flags);
          expect(existsSync(canary)).toBe(false);
        }),
        { numRuns: 2 },
      );
    },
    BUSY_MS,
  );
});
