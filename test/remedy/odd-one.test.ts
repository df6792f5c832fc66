import { describe, expect, it } from 'vitest';
import { oddOneOut } from '../../src/remedy/odd-one.ts';

const node = (name: string, ...processes: string[]): string =>
  [
    `== node ${name} at 2026-11-25T03:00:00+00:00`,
    '== processes: pid, rank, state, what the kernel does for it, threads, memory (kB), seconds, command',
    ...processes,
    '== stack of 99 in the kernel',
    '[<0>] do_select+0x12/0x30',
    '== memory',
    'MemTotal:       16000000 kB',
    `== end of ${name}`,
  ]
    .map((line) => `${name}: ${line}`)
    .join('\n');
const rank = (pid: number, number: number, state: string, waits: string): string =>
  `${pid} ${number} ${state}   ${waits.padEnd(32)}   12 90000     60 /usr/bin/python3 train.py --data x`;
const launcher = (pid: number): string =>
  `${pid} - S    do_wait                             1  3000     61 bash /spool/job00012/slurm_script`;

describe('who stands still for the others', () => {
  it('is the rank that a signal holds, on its node', () => {
    const evidence = [
      node('gnode01', launcher(10), rank(11, 0, 'Sl', 'futex_wait_queue'), rank(12, 1, 'Rl', '-')),
      node('gnode02', rank(11, 2, 'Tl', 'do_signal_stop'), rank(12, 3, 'Sl', 'futex_wait_queue')),
    ].join('\n');
    expect(oddOneOut(evidence)).toEqual({
      node: 'gnode02',
      rank: '2',
      why: 'rank 2 (process 11) on gnode02 is stopped: a signal holds it',
    });
  });

  it('is found in lines of several nodes that srun has mixed', () => {
    const [one, two] = ['gnode01', 'gnode02'].map((name, index) =>
      node(name, rank(11, index, index === 1 ? 'T' : 'S', 'x')).split('\n'),
    );
    const mixed = (one ?? []).flatMap((line, index) => [line, two?.[index] ?? '']).join('\n');
    expect(oddOneOut(mixed)).toMatchObject({ node: 'gnode02', rank: '1' });
  });

  it('is the rank that waits for a disk on one node; on several it is the server, and nobody is blamed', () => {
    const waits = (name: string, state: string) =>
      node(name, rank(11, 0, state, state === 'D' ? 'rpc_wait_bit_killable' : 'futex_wait_queue'));
    expect(oddOneOut(`${waits('gnode01', 'S')}\n${waits('gnode02', 'D')}`)).toMatchObject({
      node: 'gnode02',
      why: 'rank 0 (process 11) on gnode02 waits for a file system or a device (rpc_wait_bit_killable)',
    });
    expect(oddOneOut(`${waits('gnode01', 'D')}\n${waits('gnode02', 'D')}`)).toBeNull();
  });

  it('is the only one that waits in another place than all the others, when those are a majority', () => {
    const same = (pid: number, number: number) => rank(pid, number, 'S', 'futex_wait_queue');
    const odd = rank(15, 7, 'S', 'pipe_read');
    expect(oddOneOut(node('gnode01', same(11, 4), same(12, 5), same(13, 6), odd))).toMatchObject({
      rank: '7',
    });
    expect(oddOneOut(node('gnode01', same(11, 4), same(12, 5), odd))).toBeNull();
    expect(oddOneOut(node('gnode01', same(11, 4), same(12, 5), same(13, 6)))).toBeNull();
  });

  it('is a process of Python where no launcher says ranks; bash and srun are none', () => {
    const bare = `11 - T    do_signal_stop                      12 90000     60 python train.py`;
    expect(oddOneOut(node('gnode01', launcher(10), bare))).toMatchObject({
      rank: null,
      why: 'process 11 on gnode01 is stopped: a signal holds it',
    });
    expect(oddOneOut(node('gnode01', launcher(10).replace(' S ', ' T ')))).toBeNull();
  });

  it.each(['', 'srun: error: x', '== node gnode01 at x'])('is nobody in %j', (text) => {
    expect(oddOneOut(text)).toBeNull();
  });
});
