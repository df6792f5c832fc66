import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { UsageError } from '../../src/errors.ts';
import { trainerCommands } from '../../src/run/commands.ts';
import { dataLists, dataShares, moreData } from '../../src/run/mixture.ts';
import { realSystem } from '../../src/system/system.ts';
import { loadTemplate } from '../../src/template/load.ts';
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

  it('are each looked at with the suffix and the form of their list', () => {
    const values = {
      more_data: '/a /b',
      data_suffix: '.jsonl',
      eval_data: '/e',
      eval_data_suffix: 'eval.jsonl',
      pretrain_data: '/p',
      pretrain_data_suffix: 'pt.jsonl',
    };
    expect(dataLists(values)).toEqual([
      { name: 'more_data', directory: '/a', suffix: '.jsonl', isText: false },
      { name: 'more_data 2', directory: '/b', suffix: '.jsonl', isText: false },
      { name: 'pretrain_data', directory: '/p', suffix: 'pt.jsonl', isText: true },
      { name: 'eval_data', directory: '/e', suffix: 'eval.jsonl', isText: false },
    ]);
    // OpenRLHF's eval_data is one path, and a file may be.
    expect(dataLists({ eval_data: '/e/one file' })).toEqual([]);
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

  it('is a file that names each with its share, for TRL, which has no flag for it', async () => {
    const { script } = await planOf('trl', { ...base, data_shares: '0.5 0.3 0.2' });
    const argv = await argvOf('trl', { data_shares: '0.5 0.3 0.2' });
    expect(wordAfter(argv, '--config')).toMatch(/\/trl-data\.yaml$/);
    expect(argv).not.toContain('--dataset_name');
    const yaml = /trl-data\.yaml" <<'YAML'\n([\s\S]*?)\nYAML/.exec(script)?.[1] ?? '';
    expect(parse(yaml)).toEqual({
      datasets: [
        { path: '/d/web', fraction: 0.5 },
        { path: '/d/code', fraction: 0.3 },
        { path: '/d/books', fraction: 0.2 },
      ],
    });
    await expect(argvOf('trl', { eval_split: 'test' })).rejects.toThrow(/no split "test"/);
  });

  it('is one directory of links to all files, for xllm, whose program reads one', async () => {
    const root = mkdtempSync(join(tmpdir(), 'opsctl-mixed-'));
    onTestFinished(() => rmSync(root, { recursive: true }));
    const [web, code] = [join(root, 'web'), join(root, "it's code")];
    for (const directory of [web, code]) {
      mkdirSync(directory);
      writeFileSync(join(directory, 'a b.jsonl'), directory);
    }
    // Directories are words, so one with a space in its name cannot be among them; the first one can.
    const { script } = await planOf('xllm', { ...base, code: '/c', data: code, more_data: web });
    const links = /\ndata_suffix=[\s\S]*?\ndone\n/.exec(script)?.[0] ?? '';
    execFileSync('bash', ['-euc', links], { env: { ...process.env, ATTEMPT_DIR: join(root, 'attempt') } });
    const read = readdirSync(join(root, 'attempt', 'data')).map((name) => [
      name,
      readFileSync(join(root, 'attempt', 'data', name), 'utf8'),
    ]);
    expect(read.sort()).toEqual([
      ['1-a b.jsonl', code],
      ['2-a b.jsonl', web],
    ]);
    expect(wordAfter(await argvOf('xllm', { code: '/c' }), '--data_path')).toBe('$ATTEMPT_DIR/data');
    await expect(argvOf('xllm', { code: '/c', data_shares: '0.5 0.3 0.2' })).rejects.toThrow(/data_shares/);
  });

  it('is four lists, each of any number, for the example, and plain text in the same batches', async () => {
    const lists = {
      pretrain_data: '/d/books /d/news',
      eval_data: '/e/web',
      eval_pretrain_data: '/e/books /e/news',
    };
    const argv = await argvOf('example', { ...lists, data_suffix: 'sft_train.jsonl' });
    const behind = (flag: string) => {
      const rest = argv.slice(argv.indexOf(flag) + 1);
      const next = rest.findIndex((word) => word.startsWith('--'));
      return next === -1 ? rest : rest.slice(0, next);
    };
    expect(behind('--data_path')).toEqual(['/d/web', '/d/code', '/d/books']);
    expect(behind('--data_suffix')).toEqual(['sft_train.jsonl']);
    expect(behind('--pretrain_data_path')).toEqual(['/d/books', '/d/news']);
    expect(behind('--pretrain_data_suffix')).toEqual(['pt_train.jsonl']);
    expect(behind('--eval_data_path')).toEqual(['/e/web']);
    expect(behind('--eval_data_suffix')).toEqual(['sft_eval.jsonl']);
    expect(behind('--eval_pretrain_data_path')).toEqual(['/e/books', '/e/news']);
    expect(behind('--eval_pretrain_data_suffix')).toEqual(['pt_eval.jsonl']);
  });

  it.each(['trl', 'xllm', 'openrlhf', 'llama-factory', 'deepspeed-chat'])(
    'is for %s no plain text beside the conversations: refused, with what to do instead',
    async (trainer) => {
      const loss = trainer === 'deepspeed-chat' ? { loss_on: 'all' } : {};
      const values = { code: '/c', ...loss, chat_template: 'qwen' };
      const known = (await loadTemplate({ HOME: '/nowhere' }, 'sft', trainer)).parameters;
      const own = Object.entries(values).filter(([name]) => known.some((each) => each.name === name));
      await expect(
        argvOf(trainer, { ...Object.fromEntries(own), pretrain_data: '/d/books' }),
      ).rejects.toThrow(/^pretrain_data \(from --pretrain_data\): .*(?:more_data|cpt|PPO)/);
    },
  );

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
