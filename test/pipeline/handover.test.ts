import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'opsctl-handover-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
});

interface Stage {
  readonly stage: string;
  readonly script: string;
}

/** What `pipeline submit FILE --dry-run` says, where no Slurm is asked. */
function dryRun(file: string): { status: number | null; stderr: string; stages: readonly Stage[] } {
  const argv = [join(ROOT, 'bin', 'opsctl.cjs'), 'pipeline', 'submit', file];
  const env = { ...process.env, OPSCTL_HOME: join(home, 'state'), XDG_CONFIG_HOME: home };
  const ran = spawnSync(process.execPath, [...argv, '--dry-run', '--no-preflight', '--json'], {
    cwd: home,
    env,
    encoding: 'utf8',
  });
  return {
    status: ran.status,
    stderr: ran.stderr,
    stages: ran.status === 0 ? (JSON.parse(ran.stdout).stages as Stage[]) : [],
  };
}
function pipeline(stages: string): ReturnType<typeof dryRun> {
  writeFileSync(join(home, 'p.yaml'), `parameters: { output: /o, nodes: 2, code: /c }\nstages:\n${stages}`);
  return dryRun('p.yaml');
}
const word = (script: string | undefined, flag: string) => new RegExp(`${flag} (.*)`).exec(script ?? '')?.[1];

const MEGATRON =
  '{ phase: cpt, trainer: megatron, parameters: { model: /mg, tokenizer: /hf, data: /d, max_steps: 9 } }';

describe('a pipeline over several trainers', () => {
  it('is refused before anything is asked of Slurm, with every stage that cannot go on, its line and what to do', () => {
    const { status, stderr } = pipeline(`  - ${MEGATRON}
  - { phase: sft, trainer: trl, parameters: { data: /d } }
  - { phase: rlhf, stage: grpo, trainer: verl, parameters: { data: /d } }
  - { phase: dpo, trainer: trl, parameters: { data: /d } }
`);
    expect(status).toBe(64);
    expect(stderr).toContain("p.yaml:4: stage sft: model: cpt (megatron) leaves Megatron-LM's shards");
    expect(stderr).toContain('{ name: convert-cpt, phase: convert, trainer: own');
    expect(stderr).toContain('p.yaml:6: stage dpo: model: grpo (verl)');
    expect(stderr).toContain('{ name: convert-grpo, phase: convert, trainer: verl-merger }');
  });

  it('goes through stages that convert, which have one node whatever the others have', () => {
    const { status, stderr, stages } = pipeline(`  - ${MEGATRON}
  - { name: to-hf, phase: convert, trainer: own, parameters: { program: /c/to_hf.sh } }
  - { phase: rlhf, stage: grpo, trainer: verl, parameters: { data: /d } }
  - { name: merge, phase: convert, trainer: verl-merger }
  - { phase: dpo, trainer: trl, parameters: { data: /d } }
`);
    expect(status, stderr).toBe(0);
    const [, own, , merge, dpo] = stages;
    expect(own?.script).toContain('#SBATCH --nodes=1\n');
    expect(own?.script).toMatch(/ {4}\/o\/p-\d+-\d+-to-hf\/start\/model\/mg\n {4}"\$RUN_DIR\/checkpoints"\n/);
    expect(word(merge?.script, '--local_dir')).toMatch(/-merge\/start\/model\/mg\/actor$/);
    expect(word(dpo?.script, '--model_name_or_path')).toMatch(/-dpo\/start\/model\/mg$/);
  });

  it('may name the place of a checkpoint itself', () => {
    const { status, stages } =
      pipeline(`  - { phase: cpt, trainer: xllm, parameters: { model: /m, data: /d } }
  - { name: to-megatron, phase: convert, trainer: own, parameters: { program: /c/x.sh } }
  - { name: more, phase: cpt, trainer: megatron, parameters: { model: { from: to-megatron, path: checkpoints }, tokenizer: /m, data: /d, max_steps: 9 } }
`);
    expect(status).toBe(0);
    expect(word(stages[2]?.script, '--pretrained-checkpoint')).toMatch(/-to-megatron\/checkpoints$/);
  });
});

describe('a trainer that saves no tokenizer', () => {
  const SFT = (name: string, more = '') =>
    `  - { name: ${name}, phase: sft, trainer: xllm, parameters: { data: /d${more} } }\n`;
  const DPO = '  - { phase: dpo, trainer: xllm, parameters: { data: /d, architecture: Qwen } }\n';

  it('is given the one of the model that all began with, in every stage', () => {
    const { stages } = pipeline(`${SFT('easy', ', model: Qwen/Q')}${SFT('medium')}${SFT('hard')}`);
    expect(stages.map(({ script }) => word(script, '--tokenizer_path'))).toEqual([
      'Qwen/Q',
      'Qwen/Q',
      'Qwen/Q',
    ]);
  });

  it('has it put beside its model for a trainer that looks there, which saves it again', () => {
    const { stages } = pipeline(`${SFT('one', ', model: /m/q')}${DPO}${SFT('two')}`);
    expect(stages[1]?.script).toContain('for file in /m/q/{tokenizer*,');
    expect(stages[2]?.script).not.toContain('for file in ');
    expect(word(stages[2]?.script, '--tokenizer_path')).toMatch(/-two\/start\/model\/q$/);
  });

  it('cannot come before one that looks there when the model is only a name', () => {
    const { status, stderr } = pipeline(`${SFT('one', ', model: Qwen/Q')}${DPO}`);
    expect(status).toBe(64);
    expect(stderr).toContain('one (xllm) saves no tokenizer');
  });
});

it.each(readdirSync(join(ROOT, 'examples', 'pipelines')))(
  'the example %s is one that can be submitted',
  (name) => {
    const { status, stderr } = dryRun(join(ROOT, 'examples', 'pipelines', name));
    expect(status, stderr).toBe(0);
  },
);
