import { describe, expect, it } from 'vitest';
import { lintText, NO_SITE } from '../../src/lint/lint.ts';
import { namedVersions } from '../../src/lint/trainer-version.ts';
import { loadKnowledge, versionsOf } from '../../src/trainer/knowledge.ts';

const ENV = { XDG_CONFIG_HOME: '/nonexistent' };
const trainers = await loadKnowledge(ENV);
const TRL = versionsOf(ENV, 'trl-sft')[0] ?? '';
const known = (program: string) => versionsOf(ENV, program);

/** `severity message`, of this rule alone. */
function found(body: string, versions: readonly string[] = []): string[] {
  const site = { ...NO_SITE, trainers, trainerVersions: namedVersions(versions, known) };
  return lintText('x.sbatch', `#!/bin/bash\n${body}\n`, site)
    .findings.filter(({ rule }) => rule === 'trainer-flag')
    .map(({ line, severity, message }) => `${line} ${severity}: ${message}`);
}
const SFT = 'trl sft --model_name_or_path /m --dataset_name /d --output_dir /o';

describe("a flag that the trainer's version does not have", () => {
  it('is an error where the script installs that version, or whoever asks names it', () => {
    const wrong = `${SFT} --gradient_checkpoiting true`;
    expect(found(`pip install trl==${TRL}\n${wrong}`)).toEqual([
      expect.stringMatching(
        /^3 error: --gradient_checkpoiting: trl-sft .*Did you mean "--gradient_checkpointing"/,
      ),
    ]);
    expect(found(wrong, [`trl-sft=${TRL}`])).toEqual([expect.stringMatching(/^2 error: /)]);
  });

  it('is a warning where it looks like a slip and the version is open, and info where it may be another version’s', () => {
    expect(found(`${SFT} --gradient_checkpoiting true`)).toEqual([
      expect.stringMatching(/^2 warning: .*The script does not say which version it runs/),
    ]);
    expect(found(`${SFT} --wholly_new_idea true`)).toEqual([expect.stringMatching(/^2 info: /)]);
  });

  it('is no value that the reader of a documentation will fill in', () => {
    expect(found('torchrun --nproc_per_node={NUM_GPUS} a.py')).toEqual([]);
    expect(found('accelerate launch --num_processes {NUM_GPUS} a.py')).toEqual([]);
    expect(found('accelerate launch --num_processes four a.py')).toEqual([
      expect.stringMatching(/^2 warning: --num_processes: .*"four" is not a whole number/),
    ]);
  });

  it('says nothing for sure where the script installs another version', () => {
    expect(found(`pip install trl==0.0.1\n${SFT} --wholly_new_idea true`)).toEqual([]);
  });

  it('is found in what variables and arrays of the script hold, at its own place', () => {
    expect(
      found(`ARGS="--per_device_train_batch_size 1\n --gradient_checkpoiting true"\n${SFT} $ARGS`),
    ).toEqual([expect.stringMatching(/^3 warning: --gradient_checkpoiting/)]);
    expect(found(`args=(--max_steps 3)\nargs+=(--sedd 1)\n${SFT} "\${args[@]}"`)).toEqual([
      expect.stringMatching(/^3 warning: --sedd: /),
    ]);
  });

  it('is found of the launcher, in each of its spellings', () => {
    for (const launcher of ['torchrun', 'python -m torch.distributed.run', 'srun torchrun'])
      expect(found(`${launcher} --nprocs_per_node 8 my_script.py`)).toEqual([
        expect.stringMatching(
          /^2 warning: --nprocs_per_node: torchrun .*Did you mean "--nproc[-_]per[-_]node"/,
        ),
      ]);
  });

  it('is no matter of programs that nobody knows, of words that only the node knows, and of what a launcher takes', () => {
    expect(found('torchrun --nproc_per_node 8 my_script.py --anything 1')).toEqual([]);
    expect(found(`${SFT} "$EXTRA" \${MORE[@]}`)).toEqual([]);
    expect(found(`${SFT} --num_processes 4`)).toEqual([]);
  });

  it('is not judged by a version that there is no list of: that is refused by name', () => {
    expect(() => namedVersions(['trl-sft=9'], known)).toThrow(/there is no flag list of trl-sft 9/);
    expect(() => namedVersions(['trl'], known)).toThrow(/not of the form PROGRAM=VERSION/);
  });
});
