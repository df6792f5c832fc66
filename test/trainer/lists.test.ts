import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { changesSchema, flagListSchema } from '../../src/trainer/flag-list.ts';
import { listPrograms } from '../../src/trainer/knowledge.ts';
import { spellings } from '../../src/trainer/names.ts';
import { LAUNCHERS, TRAINERS } from '../../src/trainer/programs.ts';
import { knowledge, packageLists } from './known.ts';

describe('the flag lists of the package', () => {
  it.each(packageLists)(
    '$name is what its schema says, and lies where its program and version say',
    ({ name, list }) => {
      expect(flagListSchema.parse(list)).toMatchObject({ flags: list.flags });
      expect(name).toBe(`${list.program}/${list.version}.json`);
      expect(Object.keys(list.flags).length).toBeGreaterThan(0);
    },
  );

  it.each(packageLists)('$name has aliases that stand for flags it has', ({ list }) => {
    for (const flag of spellings(list).values()) expect(Object.keys(list.flags)).toContain(flag);
  });

  it.each(readdirSync('trainers/changes'))('changes/%s is what its schema says', (name) => {
    const changes = changesSchema.parse(JSON.parse(readFileSync(`trainers/changes/${name}`, 'utf8')));
    expect(`${changes.framework}.json`).toBe(name);
  });

  it('are there for every launcher and every trainer that is known by its command line', () => {
    const programs = listPrograms({ XDG_CONFIG_HOME: '/nonexistent' });
    for (const { name } of [...LAUNCHERS, ...TRAINERS]) {
      expect(programs).toContain(name);
      expect(knowledge.lists(name).length).toBeGreaterThan(0);
    }
  });

  it('hold what the trainers are known for', () => {
    const flags = (program: string) => Object.keys(knowledge.lists(program)[0]?.flags ?? {});
    expect(flags('xllm-pretrain')).toContain('--evaluation_strategy');
    expect(flags('trl-sft')).toContain('--eval_strategy');
    expect(flags('trl-sft')).not.toContain('--evaluation_strategy');
    expect(flags('openrlhf-sft')).toContain('--train.batch_size');
    expect(flags('verl-ppo')).toContain('actor_rollout_ref.actor.ppo_mini_batch_size');
    expect(flags('megatron-pretrain-gpt').length).toBeGreaterThan(800);
  });
});
