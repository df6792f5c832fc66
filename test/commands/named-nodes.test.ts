import { expect, it } from 'vitest';
import { namedNodes } from '../../src/commands/named-nodes.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';

const SINFO = 'gnode01|idle|64000|30000|none\ngnode02|idle|64000|30000|none\n';
const ask = (list: string, sinfo: string | { code: number; stderr: string } = SINFO) =>
  namedNodes(fakeSystem(fakeExec({ sinfo }).exec), list);

it('takes the nodes of a hostlist, each once', async () => {
  expect(await ask('gnode[01-02],gnode01')).toEqual(['gnode01', 'gnode02']);
});

it('refuses a node that the cluster has not, with the one that may be meant', async () => {
  await expect(ask('gnode03')).rejects.toThrow('this cluster has no node "gnode03". Did you mean');
  await expect(ask('gnode0*')).rejects.toThrow('no node "gnode0*"');
});

it('takes them as they are where sinfo does not answer: an exclusion must be possible then too', async () => {
  expect(
    await ask('gnode07', { code: 1, stderr: 'slurm_load_node error: Unable to contact slurm controller' }),
  ).toEqual(['gnode07']);
});
