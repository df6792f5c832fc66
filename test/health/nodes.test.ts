import { describe, expect, it } from 'vitest';
import { askNodes } from '../../src/health/nodes.ts';
import type { Exec } from '../../src/system/exec.ts';
import { fakeSystem } from '../support/fake-exec.ts';

/** Stands in for a cluster of idle nodes, each of which answers one check. */
function cluster(nodes: readonly string[]) {
  const programs: string[] = [];
  const exec: Exec = async (argv) => {
    const program = argv.find((word) => ['sinfo', 'salloc', 'srun', 'scancel'].includes(word)) ?? '';
    programs.push(program);
    const lines = {
      sinfo: nodes.map((node) => [node, 'idle', 'none'].join('|')).join('\n'),
      srun: nodes.map((node) => `opsctl-check\t${node}\t-\t.done`).join('\n'),
    }[program];
    const stderr = program === 'salloc' ? 'salloc: Granted job allocation 7\n' : '';
    return { argv, code: 0, stdout: `${lines ?? ''}\n`, stderr, timedOut: false, missing: false };
  };
  return { system: fakeSystem(exec), programs };
}

const names = (count: number) =>
  Array.from({ length: count }, (_, at) => `gnode${String(at + 1).padStart(4, '0')}`);

describe('asking nodes', () => {
  it('calls Slurm as often for 1 node as for 36 and for 1,000', async () => {
    for (const count of [1, 36, 1000]) {
      const { system, programs } = cluster(names(count));
      const heard = await askNodes(system, names(count), { options: [] }, 'true', 5);
      expect(heard.finished.size).toBe(count);
      expect(programs).toEqual(['sinfo', 'salloc', 'srun', 'scancel']);
    }
  });
});
