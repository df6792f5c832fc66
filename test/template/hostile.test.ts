import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { loadTemplate } from '../../src/template/load.ts';
import { planOf } from '../support/plan.ts';

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
  standIn('python3', `printf '%s\\0' "$@" >"${place}/argv"`);
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

function runScript(script: string, outputDir: string): string[] {
  rmSync(join(place, 'argv'), { force: true });
  mkdirSync(join(outputDir, 'logs'), { recursive: true });
  execFileSync('bash', ['-s'], {
    input: script,
    cwd: outputDir,
    stdio: ['pipe', 'ignore', 'inherit'],
    env: {
      PATH: `${join(place, 'bin')}:/usr/bin:/bin`,
      HOME: place,
      SLURM_JOB_ID: '7',
      SLURM_JOB_NODELIST: 'gnode01',
      SLURM_NNODES: '1',
      SLURMD_NODENAME: 'gnode01',
      CANARY: canary,
    },
  });
  return readFileSync(join(place, 'argv'), 'utf8').split('\0').slice(0, -1);
}

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

/** Where in the trainer's command line a parameter arrives, for those that arrive as they are. */
const FLAGS: Record<string, Record<string, string>> = {
  example: { model: '--model_name_or_path', data: '--data_path', data_suffix: '--data_suffix' },
  xllm: {
    model: '--model_name_or_path',
    tokenizer: '--tokenizer_path',
    data: '--data_path',
    data_suffix: '--data_suffix',
  },
  trl: { model: '--model_name_or_path', data: '--dataset_name' },
};

describe.each(['example', 'xllm', 'trl'])('a hostile value for %s', (trainer) => {
  const base = () => ({
    model: '/m',
    data: '/d',
    output: join(place, 'runs'),
    name: 'run',
    gpus_per_node: 0,
    ...(trainer === 'xllm' ? { code: '/c' } : {}),
  });

  it('arrives as it is, and starts nothing, in any parameter', async () => {
    const { parameters } = await loadTemplate({ HOME: '/nowhere' }, 'sft', trainer);
    // These name programs and files that the job runs or reads by intention.
    const names = parameters
      .map(({ name }) => name)
      .filter((name) => !['python', 'activate', 'modules', 'secrets_file'].includes(name));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), hostile, async (name, text) => {
        const value = ['model', 'data', 'tokenizer', 'code', 'data_root'].includes(name)
          ? `/${text}`
          : name === 'output'
            ? join(place, 'runs', text)
            : text;
        let plan: Awaited<ReturnType<typeof planOf>>;
        try {
          plan = await planOf(trainer, { ...base(), [name]: value });
        } catch (error) {
          // Refused with a reason is as good.
          expect(error).toBeInstanceOf(UsageError);
          return;
        }
        const argv = runScript(plan.script, plan.outputDir);
        expect(existsSync(canary), `${name} = ${value}`).toBe(false);
        const flag = FLAGS[trainer]?.[name];
        if (flag) expect(argv[argv.indexOf(flag) + 1]).toBe(plan.parameters[name]?.value);
      }),
      { numRuns: 60 },
    );
  });

  it('arrives as it is behind "--" too', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(hostile, { minLength: 1, maxLength: 4 }), async (words) => {
        if (words.some((word) => /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(word))) {
          await expect(planOf(trainer, base(), { trainerFlags: words })).rejects.toThrow(UsageError);
          return;
        }
        const plan = await planOf(trainer, base(), { trainerFlags: words });
        expect(runScript(plan.script, plan.outputDir).slice(-words.length)).toEqual(words);
        expect(existsSync(canary)).toBe(false);
      }),
      { numRuns: 15 },
    );
  });
});
