import { describe, expect, it } from 'vitest';
import { askNodes, unfitNodes } from '../../src/health/nodes.ts';
import type { Exec } from '../../src/system/exec.ts';
import { type Answer, fakeSystem } from '../support/fake-exec.ts';

/** Stands in for a cluster whose srun answers so, one time after the other. */
function cluster(answers: readonly Answer[]) {
  const asked: (readonly string[])[] = [];
  const exec: Exec = async (argv) => {
    const answer = answers[asked.length];
    asked.push(argv);
    return { argv, code: 0, stdout: '', stderr: '', timedOut: false, missing: false, ...answer };
  };
  return { system: fakeSystem(exec), asked };
}
const done = (nodes: readonly string[]) => nodes.map((node) => `opsctl-check\t${node}\t-\t.done\n`).join('');
const OWN = { options: ['--partition=gpu'] };

const names = (count: number) =>
  Array.from({ length: count }, (_, at) => `gnode${String(at + 1).padStart(4, '0')}`);

describe('asking nodes', () => {
  it('calls Slurm as often for 1 node as for 36 and for 1,000', async () => {
    for (const count of [1, 36, 1000]) {
      const { system, asked } = cluster([{ stdout: done(names(count)) }]);
      const heard = await askNodes(system, names(count), OWN, 'true', 5);
      expect(heard.finished.size).toBe(count);
      expect(asked.map((argv) => argv[3])).toEqual(['srun']);
    }
  });

  it('makes a short job of its own, or a step inside the job that was named', async () => {
    const { system, asked } = cluster([{ stdout: done(names(2)) }, { stdout: done(names(2)) }]);
    await askNodes(system, names(2), OWN, 'true', 5);
    await askNodes(system, names(2), { jobId: '7' }, 'true', 5);
    const [own, inside] = asked.map((argv) => argv.join(' '));
    expect(own).toContain(' --immediate=10 --time=1 --mem=2G --cpus-per-task=1 --partition=gpu --nodes=2 ');
    expect(own).not.toMatch(/--jobid|--overlap/);
    expect(inside).toContain(' srun --jobid=7 --overlap --nodes=2 ');
    expect(inside).not.toMatch(/--immediate|--time|--mem/);
  });

  it('asks again without the node that did not take its task, and says of it what srun said', async () => {
    const [bad = '', ...good] = names(3);
    const stderr = `srun: error: Task launch for StepId=7.0 failed on node ${bad}: Communication connection failure\n`;
    const { system, asked } = cluster([{ code: 1, stderr }, { stdout: done(good) }]);
    const heard = await askNodes(system, names(3), OWN, 'true', 5);
    expect(asked.map((argv) => argv.find((word) => word.startsWith('--nodelist=')))).toEqual([
      '--nodelist=gnode[0001-0003]',
      '--nodelist=gnode[0002-0003]',
    ]);
    expect([...heard.finished]).toEqual(good);
    expect(heard.silent.get(bad)).toContain('Communication connection failure');
  });

  it('says in the words of Slurm why the nodes cannot be had', async () => {
    const stderr = 'srun: error: Unable to allocate resources: Requested nodes are busy\n';
    const { system } = cluster([{ code: 1, stderr }]);
    const { silent } = await askNodes(system, names(2), OWN, 'true', 5);
    expect([...silent.values()]).toEqual([
      'cannot be had: Unable to allocate resources: Requested nodes are busy',
      'cannot be had: Unable to allocate resources: Requested nodes are busy',
    ]);
  });
});

describe('nodes that a job cannot have', () => {
  it('are those that Slurm has not, and those that are down or busy', async () => {
    const stdout =
      'gnode0001|idle|Unknown|Unknown|none\ngnode0002|down*|root|2026-11-25T08:36:16|Not responding\n';
    const { system } = cluster([{ stdout: `${stdout}gnode0003|allocated|Unknown|Unknown|none\n` }]);
    expect([...(await unfitNodes(system, names(4)))]).toEqual([
      ['gnode0002', 'is down*: Not responding'],
      ['gnode0003', 'is allocated'],
      ['gnode0004', 'Slurm has no such node'],
    ]);
  });
});
