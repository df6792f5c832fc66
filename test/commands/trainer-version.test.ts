import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const OPSCTL = join(import.meta.dirname, '..', '..', 'bin', 'opsctl.cjs');
const RUN = ['--model', 'm', '--data', '.', '--output', './runs'];
let place: string;

/** A site that knows two more versions: one whose trainer writes no checkpoint on a signal, and one that cannot be told to resume. */
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'opsctl-version-'));
  without('trl-sft', '1.10.0.dev0', '--enable_jit_checkpoint', '0.24.0');
  without('megatron-pretrain-gpt', 'd98e8a6', '--exit-signal-handler', 'v2.5');
});
afterAll(() => rmSync(place, { recursive: true }));

function without(program: string, known: string, flag: string, version: string): void {
  const list = JSON.parse(readFileSync(`trainers/${program}/${known}.json`, 'utf8')) as {
    flags: Record<string, unknown>;
  };
  delete list.flags[flag];
  mkdirSync(join(place, 'opsctl', 'trainers', program), { recursive: true });
  const path = join(place, 'opsctl', 'trainers', program, `${version}.json`);
  writeFileSync(path, JSON.stringify({ ...list, version }));
}

function opsctl(...words: string[]) {
  const env = { ...process.env, OPSCTL_HOME: join(place, 'state'), XDG_CONFIG_HOME: place };
  return spawnSync('node', [OPSCTL, ...words], { cwd: place, env, encoding: 'utf8' });
}

describe('a version that is chosen', () => {
  it('is stopped by the row of the table that holds for it', () => {
    const newer = opsctl('render', 'sft', '-t', 'trl', ...RUN);
    expect(newer.stdout, newer.stderr).toContain('#SBATCH --signal=TERM@300\n');
    expect(newer.stdout).toContain('--enable_jit_checkpoint true\n');
    const older = opsctl('render', 'sft', '-t', 'trl', '--trainer-version', '0.24.0', ...RUN);
    expect(older.stdout, older.stderr).toContain('#SBATCH --signal=B:USR1@60\n');
    expect(older.stdout).not.toContain('jit_checkpoint');
    expect(older.stdout).not.toContain('TORCH_ELASTIC_SHUTDOWN_TIMEOUT');
  });

  it('is sent no signal, and not requeued, when no row holds for it', () => {
    const told = opsctl('trainers', 'signals', '--trainer-version', 'megatron-pretrain-gpt=v2.5');
    expect(told.stdout).toContain('megatron: cpt: no row of the table holds for v2.5: no signal is sent');
    const model = [
      '--num-layers',
      '2',
      '--hidden-size',
      '64',
      '--num-attention-heads',
      '4',
      '--max-steps',
      '9',
    ];
    const run = ['pretrain', '-t', 'megatron', '--trainer-version', 'v2.5', '--code', '/c', ...RUN, ...model];
    const given = opsctl('render', ...run);
    expect(given.stdout, given.stderr).not.toMatch(/^#SBATCH --(?:signal|requeue)|exit-signal-handler/m);
    const asked = opsctl('render', ...run, '--requeue', 'true');
    expect(asked.status).toBe(64);
    expect(asked.stderr).toContain('no row of its table of signals holds for v2.5');
  });

  it('is told of by the table', () => {
    const all = opsctl('trainers', 'signals').stdout;
    expect(all).toContain(
      'trl: sft, dpo, grpo, reward (read from transformers 5.18)\n' +
        '  holds for   1.10.0.dev0, and every other one with --enable_jit_checkpoint\n',
    );
    expect(all).toContain(
      '  holds for   0.24.0 (sft), and every other one without --enable_jit_checkpoint\n',
    );
    const one = opsctl('trainers', 'signals', '--trainer-version', 'trl-sft=0.24.0', '--json');
    expect(JSON.parse(one.stdout)).toEqual([
      expect.objectContaining({
        program: 'trl-sft',
        version: '0.24.0',
        lifecycle: expect.objectContaining({ signal: { name: 'USR1', to: 'batch', lead: 60 } }),
        requeue: false,
      }),
    ]);
  });

  it.each([
    ['trl-sft', 'is not of the form PROGRAM=VERSION'],
    ['trl-sft=0.1', 'there is no flag list of trl-sft 0.1'],
    ['torchrun=2.13.0', 'no phase is run by torchrun'],
  ])('is refused as %s', (named, words) => {
    const said = opsctl('trainers', 'signals', '--trainer-version', named);
    expect(said.status).toBe(64);
    expect(said.stderr).toContain(words);
  });
});
