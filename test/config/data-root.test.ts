import { expect, it } from 'vitest';
import { type Candidate, chooseDataRoot } from '../../src/config/data-root.ts';
import { parseDf } from '../../src/config/login-node.ts';

const candidate = (over: Partial<Candidate>): Candidate => ({
  path: '/x',
  from: '/scratch/$USER',
  fsType: 'ext4',
  bytes: 2e12,
  writable: true,
  ...over,
});
const home = candidate({ path: '/home/me', from: 'home', fsType: 'nfs4' });

it('takes a shared file system before a local one, and home last', () => {
  const local = candidate({ path: '/local', from: '$SCRATCH' });
  const lustre = candidate({ path: '/lustre/me', from: '$WORK', fsType: 'lustre', bytes: 1.2e15 });
  expect(chooseDataRoot([local, lustre, home])).toEqual({
    path: '/lustre/me',
    reason: 'Taken from $WORK: lustre, 1.2 PB.',
  });
  expect(chooseDataRoot([local, home])).toMatchObject({
    path: '/home/me',
    reason: expect.stringContaining('quotas are often small'),
  });
});

it('warns of a file system that the nodes do not share', () => {
  const local = candidate({ path: '/local', from: '$SCRATCH' });
  expect(chooseDataRoot([local, { ...home, fsType: 'ext4' }])).toMatchObject({
    path: '/local',
    reason: expect.stringContaining('Not a shared file system'),
  });
});

it('takes nothing that cannot be written or that df did not answer for', () => {
  expect(chooseDataRoot([candidate({ writable: false }), candidate({ fsType: null })])).toMatchObject({
    path: null,
  });
});

it('reads df, paths with spaces too', () => {
  expect([...parseDf('File      Type 1B-blocks\n/my data fuse.juicefs 5\n/home/me  nfs4 7\n')]).toEqual([
    ['/my data', { fsType: 'fuse.juicefs', bytes: 5 }],
    ['/home/me', { fsType: 'nfs4', bytes: 7 }],
  ]);
});
