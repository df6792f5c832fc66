import { describe, expect, it } from 'vitest';
import { refuseSecrets, tellingEnvironment } from '../../src/run/secrets.ts';

const WANDB_KEY = '0123456789abcdef0123456789abcdef01234567';
const COMMIT = WANDB_KEY;
const HF_TOKEN = `hf_${'a1B2'.repeat(9)}`;

describe('refuseSecrets', () => {
  it.each([
    [['--hub_token', 'x'], '--hub_token'],
    [['--hub_token=x'], '--hub_token'],
    [['--wandb.api_key', 'x'], '--wandb.api_key'],
    [['--password', 'x'], '--password'],
    [['--use_wandb', WANDB_KEY], 'word 2'],
    [['--anything', HF_TOKEN], 'word 2'],
    [[`--x=${HF_TOKEN}`], 'word 1'],
    [['--anything', `wandb_v1_${'a1B2_'.repeat(15)}`], 'word 2'],
    [['+trainer.wandb_api_key=x'], 'trainer.wandb_api_key'],
    [[`+trainer.note=${WANDB_KEY}`], 'word 1'],
    [['--hub_token', 'x', '--seed', '1'], '--hub_token'],
    [['--hub_token', 'abc=xyz'], '--hub_token'],
    [['--override', `wandb.key=x${WANDB_KEY}`], 'wandb.key'],
  ])('refuses %j and does not repeat it', (flags, place) => {
    const act = () => refuseSecrets({}, flags);
    expect(act).toThrow(place);
    expect(act).toThrow(
      expect.not.objectContaining({
        message: expect.stringContaining(flags.at(-1)?.split('=').at(-1) ?? ''),
      }) as Error,
    );
  });

  it.each([
    [['--eos_token', '<|im_end|>']],
    [['--max_new_tokens', '100']],
    [['--pad_token', '</s>']],
    [['--output_dir', '/data/task-learning-rate-and-more-x']],
    [['--report_to', 'wandb']],
    [['--hub_token']],
    [['--model_revision', COMMIT]],
    [[`--model_revision=${COMMIT}`]],
    [[`actor_rollout_ref.model.revision=${COMMIT}`]],
    [['--data.commit', COMMIT, '--use_wandb', 'true']],
    [['+trainer.hub_token=null']],
  ])('lets %j pass', (flags) => {
    expect(() => refuseSecrets({}, flags)).not.toThrow();
  });

  it('refuses the value of a flag for keys whatever it looks like', () => {
    expect(() => refuseSecrets({}, ['--hub_token', 'abc=='])).toThrow('--hub_token');
  });

  it('looks at parameters too', () => {
    expect(() => refuseSecrets({ model: HF_TOKEN }, [])).toThrow('the parameter model');
    expect(() => refuseSecrets({ model: '/models/llama', seed: 42 }, [])).not.toThrow();
    expect(() => refuseSecrets({ run_name: WANDB_KEY }, [])).toThrow('the parameter run_name');
    expect(() => refuseSecrets({ revision: COMMIT }, [])).not.toThrow();
  });
});

describe('tellingEnvironment', () => {
  it('keeps what explains a run and no key', () => {
    const env = {
      NCCL_DEBUG: 'INFO',
      WANDB_API_KEY: 'k',
      HF_TOKEN: 't',
      WANDB_BASE_URL: 'https://me:pw@host',
      HF_HOME: '/hf',
      HOME: '/h',
      CUDA_X: HF_TOKEN,
      PATH: '/bin',
    };
    expect(tellingEnvironment(env)).toEqual({ HF_HOME: '/hf', NCCL_DEBUG: 'INFO', PATH: '/bin' });
  });
});
