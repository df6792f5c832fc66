import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedLines, fixText } from '../../src/lint/fix.ts';
import { lintText, NO_SITE } from '../../src/lint/lint.ts';
import { effort } from '../support/effort.ts';

const found = (text: string): string[] => lintText('x', text, NO_SITE).findings.map(({ rule }) => rule);
const batch = (body: string, header = '#SBATCH --nodes=2'): string => `#!/bin/bash\n${header}\n${body}\n`;

describe('what fires and what does not', () => {
  it.each([
    [
      'early-rank',
      'LAUNCHER="torchrun --node_rank $SLURM_NODEID"',
      'LAUNCHER="torchrun --node_rank \\$SLURM_NODEID"',
    ],
    [
      'early-rank',
      'srun bash <<EOF\ntorchrun --node_rank $SLURM_NODEID x.py\nEOF',
      "srun bash <<'EOF'\ntorchrun --node_rank $SLURM_NODEID x.py\nEOF",
    ],
    ['early-rank', 'srun bash -c "run $SLURM_PROCID"', 'srun bash -c "run \\$SLURM_PROCID"'],
    [
      'early-rank',
      'export NODE_RANK=$SLURM_NODEID',
      'work() { run $SLURM_NODEID; }; export -f work; srun bash -c work',
    ],
    [
      'quoted-list',
      'n=$(scontrol show hostnames $L)\nnodes=("$n")',
      'n=$(scontrol show hostnames $L)\nnodes=($n)',
    ],
    ['line-continuation', 'torchrun --x \\ # why\n  a.py', 'torchrun --x \\\n  a.py # why'],
    ['line-continuation', 'torchrun --x \\ \n  a.py', "echo 'torchrun \\ # why\n  a.py'"],
    ['line-continuation', 'srun python a.py \\  # why\n  --y 2', 'a=(\n  --x \\ # why\n  --y\n)'],
    ['line-continuation', 'srun python a.py \\\t\n  --y 2', 'python a.py \\ \n\necho'],
    ['srun-option', 'srun --gpu -n4 x', 'srun --gpus 4 x'],
    ['srun-option', 'srun --kil-on-bad-exit=1 x', 'srun --kill-on-bad-exit=1 x --no-such-option'],
    ['srun-option', 'srun --lable x', 'srun $OPTIONS --whatever x'],
    ['srun-option', 'srun --wait-all-nodes=1 x', 'srun --container-image=a.sqsh x'],
    ['pipefail-tee', 'srun python a.py 2>&1 | tee log', 'set -euo pipefail\nsrun python a.py 2>&1 | tee log'],
    [
      'pipefail-tee',
      "srun bash -c 'torchrun a.py | tee log'",
      "srun bash -c 'set -o pipefail; torchrun a.py | tee log'",
    ],
    ['fixed-port', 'torchrun --master_port=29500 a.py', 'torchrun --master_port=$MASTER_PORT a.py'],
    [
      'fixed-port',
      'python -m torch.distributed.run --rdzv_id 7 a.py',
      'torchrun --rdzv_id $SLURM_JOB_ID a.py',
    ],
    ['secret', 'wandb login 0123456789abcdef0123456789abcdef01234567', 'wandb login'],
    ['secret', 'export OPENAI_API_KEY=sk-abcdefghij0123456789klmn', 'export OPENAI_API_KEY=<your-key-here>x'],
    ['secret', 'python a.py --use_wandb $WANDB_API_KEY', 'python a.py --pad_token $PAD --max_tokens 5'],
    ['conda-activate', 'conda activate x', 'source ~/miniconda3/etc/profile.d/conda.sh\nconda activate x'],
    ['background-end', 'srun python a.py &', 'srun python a.py &\nwait'],
    ['rm-shared', 'srun rm -rf /dev/shm/*', 'rm -rf /tmp/mine /dev/shm/nccl-mine'],
    ['pkill-self', 'ssh node1 pkill -f train.py', 'pkill -f train.py'],
    [
      'master-address',
      'torchrun --nnodes 2 --master_addr localhost a.py',
      'torchrun --nnodes 1 --master_addr localhost a.py',
    ],
    [
      'master-address',
      'export MASTER_ADDR=localhost\nsrun python a.py',
      'if ((SLURM_NNODES > 1)); then MASTER_ADDR=$(scontrol show hostnames | head -1); else MASTER_ADDR=localhost; fi\nsrun python a.py',
    ],
    [
      'master-address',
      'srun torchrun --nnodes $SLURM_NNODES --rdzv_endpoint localhost:29500 a.py',
      'srun torchrun --nproc_per_node 8 --rdzv_endpoint localhost:0 eval.py',
    ],
    [
      'master-address',
      'srun bash -c "export MASTER_ADDR=\\$(hostname); python a.py"',
      'export MASTER_ADDR=$(hostname)\nsrun python a.py',
    ],
    ['directive-late', 'echo\n#SBATCH --time=5', "cat >x <<'E'\n#SBATCH --time=5\nE"],
    [
      'endless-wait',
      'vllm serve m &\npython a.py\nwait',
      'vllm serve m &\nserver=$!\npython a.py\nkill $server\nwait',
    ],
    [
      'nodelist-spaces',
      'srun --nodelist="${nodes[@]:0:4}" hostname',
      'srun --nodelist="$(IFS=,; echo "${nodes[*]:0:4}")" hostname',
    ],
    ['nodelist-spaces', 'srun -w ${nodes[*]} hostname', 'srun -w "${nodes[*]}" hostname'],
    ['nodelist-spaces', 'srun -w "${nodes[@]:1}" hostname', 'srun -w "${nodes[@]:0:1}" hostname'],
    [
      'nodelist-spaces',
      'train="${nodes[@]:0:4}"\nsrun --nodelist=$train hostname',
      'train="${nodes[@]:0:4}"\nsrun --nodelist="$train" hostname',
    ],
    ['nodelist-spaces', 'train="node1 node2"\nsrun -w $train hostname', 'srun -w "node1 node2" hostname'],
    [
      'nodelist-spaces',
      'IFS=,\ntrain="${nodes[*]}"\nsrun -w $train hostname',
      'IFS=,\ntrain="${nodes[*]}"\nIFS=$OLD_IFS\nsrun -w $train hostname',
    ],
    [
      'nodelist-spaces',
      'IFS=, read -ra nodes <<<"$LIST"\ntrain="${nodes[*]}"\nsrun -w $train hostname',
      'IFS=,\ntrain="${nodes[*]}"\nunset IFS\nsrun -w $train hostname',
    ],
    [
      'nodelist-spaces',
      'while IFS= read -r n; do nodes+=("$n"); done\ntrain="${nodes[*]}"\nsrun -w $train hostname',
      '(IFS=,; echo "$*")\nIFS=,\ntrain="${nodes[@]}"\nsrun -w $train hostname',
    ],
    [
      'nodelist-spaces',
      'IFS=,\nread -ra nodes <<<"$LIST"\nunset IFS\ntrain="${nodes[*]}"\nsrun -w $train hostname',
      'join() { local IFS=,; train="${nodes[*]}"; }\nsrun -w $train hostname',
    ],
    [
      'nodelist-spaces',
      'first() { local IFS=,; echo "$*"; }\ntrain="${nodes[*]}"\nsrun -w $train hostname',
      'IFS=$\'\\n\'\ntrain="${nodes[@]}"\nsrun -w $train hostname',
    ],
    [
      'nodelist-spaces',
      'joined=$(IFS=,; echo "$*")\ntrain="${nodes[*]}"\nsrun -w $train hostname',
      'train=$(IFS=,; echo "${nodes[*]}")\nsrun -w $train hostname',
    ],
    ['header-mismatch', 'srun torchrun --nnodes 4 a.py', 'srun --ntasks=4 torchrun --nnodes 4 a.py'],
    ['header-mismatch', 'torchrun --nnodes 4 a.py', 'srun --ntasks-per-node=2 torchrun --nnodes 4 a.py'],
  ])('%s fires on %j and not on %j', (rule, wrong, right) => {
    expect(found(batch(wrong))).toContain(rule);
    expect(found(batch(right))).not.toContain(rule);
  });

  it.each([
    ['directive-option', '#SBATCH --nodes=2 stray', '#SBATCH --nodes=2 # a comment'],
    ['directive-option', '#SBATCH --gpu=4', '#SBATCH --gpus=4'],
    ['directive-option', '#SBATCH -\u2014mem=16G', '#SBATCH --mem=16G'],
    ['directive-option', '#SBATCH --label', '#SBATCH --job-n=abbreviated'],
    ['directive-variable', '#SBATCH --output=$HOME/x', '#SBATCH --output=/home/%u/x-%j'],
    ['signal-target', '#SBATCH --signal=B:USR1@600', '#SBATCH --signal=TERM@600'],
    ['tasks-per-node', '#SBATCH --tasks-per-node=8', '#SBATCH --ntasks-per-node=1'],
  ])('%s fires on the header %j and not on %j', (rule, wrong, right) => {
    expect(found(batch('srun torchrun a.py', wrong))).toContain(rule);
    expect(found(batch('srun torchrun a.py', right))).not.toContain(rule);
  });

  it.each([
    ['step1_supervised_finetuning/main.py', '#SBATCH --requeue', ['requeue-log', 'requeue-resume']],
    [
      'cd /code/step1_supervised_finetuning\ndeepspeed main.py',
      '#SBATCH --requeue',
      ['requeue-log', 'requeue-resume'],
    ],
    ['cd /code\ndeepspeed main.py', '#SBATCH --requeue', ['requeue-log']],
    ['deepspeed step1_supervised_finetuning/main.py', '#SBATCH --no-requeue', []],
  ])('of %j with %s finds what a requeue would lose', (body, header, rules) => {
    expect(found(batch(body, header)).filter((rule) => rule.startsWith('requeue'))).toEqual(rules);
  });

  it('takes four agents of one process each on a node with four GPUs for what they are', () => {
    const header = '#SBATCH --nodes=1\n#SBATCH --ntasks-per-node=4\n#SBATCH --gres=gpu:4';
    const agents = (count: number) =>
      batch(`srun --kill-on-bad-exit torchrun --nnodes 4 --nproc_per_node ${count} a.py`, header);
    expect(found(agents(1))).toEqual([]);
    expect(found(agents(2))).toEqual(['tasks-per-node', 'header-mismatch']);
  });

  it('knows agents that are more than the rendezvous expects', () => {
    const header = '#SBATCH --nodes=2\n#SBATCH --gpus-per-node=8\n#SBATCH --ntasks-per-node=8';
    const agents = (nnodes: number) =>
      found(batch(`srun --kill-on-bad-exit torchrun --nproc_per_node=1 --nnodes=${nnodes} t.py`, header));
    expect(agents(2)).toContain('tasks-per-node');
    expect(agents(16)).not.toContain('tasks-per-node');
  });

  it('says for information only that a job which only serves waits for its server', () => {
    const text = batch(
      'module load x\nsrun --nodes=1 vllm serve m &\nuntil curl -s localhost; do sleep 1; done\nwait',
    );
    const of = (script: string) =>
      lintText('x', script, NO_SITE).findings.find(({ rule }) => rule === 'endless-wait');
    expect(of(text)?.severity).toBe('info');
    expect(of(text.replace('\nwait', '\n./client.sh\nwait'))?.severity).toBe('warning');
  });

  it('never repeats a key that it found', () => {
    const key = '0123456789abcdef0123456789abcdef01234567';
    const text = batch(`wandb login ${key}\nexport WANDB_API_KEY=${key}\npython a.py --use_wandb ${key}`);
    const result = lintText('x', text, NO_SITE);
    expect(result.findings.filter(({ rule }) => rule === 'secret')).toHaveLength(3);
    expect(JSON.stringify(result)).not.toContain(key);
  });
});

describe('ignore', () => {
  const line = 'export MASTER_PORT=29500';
  it.each([
    ['behind the line', batch(`${line} # opsctl-lint: ignore=fixed-port`)],
    ['before the line', batch(`true\n# opsctl-lint: ignore=fixed-port\n${line}`)],
    ['at the head', batch(`true\n${line}`, '# opsctl-lint: ignore=secret,fixed-port\n#SBATCH --nodes=2')],
  ])('leaves a rule out %s', (_where, text) => {
    expect(found(text)).toEqual([]);
  });

  it('says which name there is no rule', () => {
    const [finding] = lintText('x', '# opsctl-lint: ignore=fixed-prt\ntrue\n', NO_SITE).findings;
    expect(finding).toMatchObject({ rule: 'ignore', severity: 'info', line: 1 });
    expect(finding?.message).toContain('fixed-port');
  });
});

describe('any text', () => {
  const pieces = fc.constantFrom(
    '#!/bin/bash\n',
    '#SBATCH --requeue\n',
    '#SBATCH --signal=B:USR1@5\n',
    '#SBATCH "',
    'set -ex\n',
    'export HF_TOKEN=$X\n',
    'srun python a.py',
    ' | tee x\n',
    '\n',
    '\r\n',
    "bash -c '",
    "'",
    '"',
    '$(',
    ')',
    '`',
    '<<EOF\n',
    'EOF\n',
    '\\',
    '((',
    '{',
    '}',
    'if true; then\n',
    'fi\n',
    '${',
    '[[',
    'é中',
    '&',
    '#SBATCH --nodes=2\n',
  );
  const texts = fc
    .array(fc.oneof(pieces, fc.string({ maxLength: 6 })), { maxLength: 30 })
    .map((list) => list.join(''));

  it('is judged without a throw, at lines that exist', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const lines = text.split('\n');
        for (const { line, column } of lintText('x', text, NO_SITE).findings) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(lines.length);
          expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1);
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('is fixed once, and what bash could read it can still read', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const fixed = fixText('x', text, NO_SITE);
        expect(fixText('x', fixed, NO_SITE)).toBe(fixed);
        // With DOS line ends bash reads other words: their mending is the point.
        const unix = text.replaceAll('\r\n', '\n');
        if (fixed !== unix && readable(unix)) expect(readable(fixed)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('takes a time that grows with its length only', () => {
    const take = (lines: number): number => {
      const text = batch('srun python a.py --x "$Y" | tee log\n'.repeat(lines));
      return effort(() => lintText('x', text, NO_SITE));
    };
    take(100);
    // Eight times the lines would take sixty-four times as long if it grew with their square.
    const less = Math.min(take(500), take(500), take(500));
    expect(Math.min(take(4000), take(4000)) / less).toBeLessThan(32);
  });
});

it('shows what a fix changed', () => {
  const text = batch('export HF_TOKEN=$(cat f)\nset -ex', '#SBATCH --requeue');
  const fixed = fixText('x', text, NO_SITE);
  expect(changedLines(text, fixed)).toEqual([
    '2: + #SBATCH --open-mode=append',
    '4: - set -ex',
    '5: + set -e',
  ]);
});

function readable(text: string): boolean {
  return spawnSync('bash', ['-n'], { input: text }).status === 0;
}
