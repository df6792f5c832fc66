import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { trainerCommands } from '../../src/run/commands.ts';
import { dataShares, moreData } from '../../src/run/mixture.ts';
import { realSystem } from '../../src/system/system.ts';
import { PROFILE, planOf } from '../support/plan.ts';

const base = { model: '/m', data: '/d/web', output: '/o', nodes: 2, more_data: '/d/code /d/books' };

describe('directories that are mixed', () => {
  it('have shares that are 1 together, the first one the data’s own', () => {
    expect(dataShares({ more_data: '/a /b', data_shares: '0.7 0.2 0.1' })).toEqual([0.7, 0.2, 0.1]);
    expect(dataShares({ more_data: '/a /b', data_shares: '.33 .33 .33' })).toEqual([0.33, 0.33, 0.33]);
    expect(dataShares({ more_data: '/a /b' })).toBeUndefined();
  });

  it.each(['0.7 0.3', '0.7 0.2 0.2', '0.7 0.3 0', '0.7 x 0.3', '2 -1 0', '1'])(
    'have no shares such as %s',
    (data_shares) => {
      expect(() => dataShares({ more_data: '/a /b', data_shares })).toThrow(UsageError);
    },
  );

  it.each(['code', '/a,/b', '/a:/b'])('are absolute paths, and not %s', (more_data) => {
    expect(() => moreData({ more_data })).toThrow(/no absolute path/);
  });
});

describe('what a trainer is told of them', () => {
  const argvOf = async (trainer: string, values: Record<string, unknown>, more = {}) => {
    const { script } = await planOf(trainer, { ...base, ...values }, more);
    const [command] = await trainerCommands(realSystem(), script, 2);
    return command?.argv ?? [];
  };
  const wordAfter = (argv: readonly string[], flag: string) => argv[argv.indexOf(flag) + 1];

  it('is their list and their shares, for OpenRLHF', async () => {
    const argv = await argvOf('openrlhf', { data_shares: '0.5 0.3 0.2' });
    expect(wordAfter(argv, '--data.dataset')).toBe('/d/web,/d/code,/d/books');
    expect(wordAfter(argv, '--data.dataset_probs')).toBe('0.5,0.3,0.2');
    expect(await argvOf('openrlhf', {})).not.toContain('--data.dataset_probs');
  });

  it('is each file with the share of its directory, for Megatron', async () => {
    const values = { code: '/c', tokenizer: '/t', max_steps: 9 };
    const weighted = await argvOf('megatron', { ...values, data_shares: '0.5 0.3 0.2' }, { phase: 'cpt' });
    const at = weighted.indexOf('--data-path');
    expect(weighted.slice(at + 1, weighted.indexOf('--split'))).toEqual([
      ...['500000', '/d/web/*_document'],
      ...['300000', '/d/code/*_document'],
      ...['200000', '/d/books/*_document'],
    ]);
    const plain = await argvOf('megatron', values, { phase: 'cpt' });
    expect(plain.slice(plain.indexOf('--data-path') + 1, plain.indexOf('--split'))).toEqual([
      '/d/web/*_document',
      '/d/code/*_document',
      '/d/books/*_document',
    ]);
  });

  it('is one dataset a directory, for LLaMA-Factory', async () => {
    const { script } = await planOf(
      'llama-factory',
      { ...base, data_shares: '0.5 0.3 0.2' },
      { phase: 'cpt' },
    );
    expect(script).toContain(
      'dataset: opsctl,opsctl-2,opsctl-3\nmix_strategy: interleave_under\ninterleave_probs: "0.5,0.3,0.2"\n',
    );
    const info = /dataset_info\.json" <<'JSON'\n([\s\S]*?)\nJSON/.exec(script)?.[1] ?? '';
    expect(Object.values(JSON.parse(info)).map((one) => (one as { file_name: string }).file_name)).toEqual([
      'data',
      'data-2',
      'data-3',
    ]);
    expect(Object.values(JSON.parse(info)).every((one) => 'columns' in (one as object))).toBe(true);
  });

  it('is all directories, for DeepSpeed-Chat and verl, which know no shares', async () => {
    const chat = await argvOf('deepspeed-chat', { code: '/c', loss_on: 'all' });
    expect(chat.slice(chat.indexOf('--data_path') + 1, chat.indexOf('--data_split'))).toEqual([
      '/d/web',
      '/d/code',
      '/d/books',
    ]);
    const verl = await argvOf('verl', {}, { phase: 'rlhf', stage: 'grpo' });
    expect(verl).toContain('data.train_files=["/d/web/*.parquet","/d/code/*.parquet","/d/books/*.parquet"]');
    await expect(
      argvOf('verl', { data_shares: '0.5 0.3 0.2' }, { phase: 'rlhf', stage: 'grpo' }),
    ).rejects.toThrow(/data_shares/);
  });

  it('is there in a container, and asked of every node before the start', async () => {
    const values = { ...base, container_image: '/i.sif', container_runtime: 'apptainer' };
    const { script, gate } = await planOf('openrlhf', values, { profile: PROFILE });
    for (const directory of ['/d/web', '/d/code', '/d/books']) {
      expect(script).toContain(`\n  ${directory}\n`);
      expect(gate?.script).toContain(directory);
    }
  });
});
