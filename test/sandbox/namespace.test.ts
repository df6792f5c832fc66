import { describe, expect, it } from 'vitest';
import { enterNodeScript, isBelow, neededShares, nodeCommand } from '../../src/sandbox/namespace.ts';
import { sandboxOf } from './sandbox-of.ts';

describe('neededShares', () => {
  it('are those that a private /tmp or /dev/shm would hide', () => {
    expect(neededShares(['/home/ada', '/tmp/box', '/dev/shm/data', '/tmp', '/tmpfoo'])).toEqual([
      '/dev/shm/data',
      '/tmp/box',
    ]);
  });

  it('leave out what lies inside another', () => {
    expect(neededShares(['/tmp/a/b', '/tmp/a', '/tmp/a', '/tmp/ab'])).toEqual(['/tmp/a', '/tmp/ab']);
  });
});

describe('isBelow', () => {
  it.each([
    ['/tmp/a', '/tmp', true],
    ['/tmp', '/tmp', false],
    ['/tmpa', '/tmp', false],
    ['/', '/tmp', false],
    ['/tmp/..a', '/tmp', true],
  ])('%s in %s: %s', (path, directory, expected) => {
    expect(isBelow(path, directory)).toBe(expected);
  });
});

describe('enter-node', () => {
  it('builds a private directory aside, binds what is shared into it, and moves it into place', () => {
    const script = enterNodeScript({ ...sandboxOf(), shares: ["/tmp/it's mine"] });
    expect(script.split('\n').slice(3)).toEqual([
      'mount -n -t tmpfs -o size=64m,mode=1777 opsctl-sandbox:/tmp/box /dev/shm',
      'mount -n -t tmpfs -o size=256m,mode=1777 opsctl-sandbox:/tmp/box /tmp/box/stage',
      "mkdir -p '/tmp/box/stage/it'\\''s mine'",
      "mount -n --rbind '/tmp/it'\\''s mine' '/tmp/box/stage/it'\\''s mine'",
      'mount -n --move /tmp/box/stage /tmp',
      'exec /tmp/box/bin/slurmd -D -N "$1" -f /tmp/box/etc/slurm.conf',
      '',
    ]);
  });

  it('is not needed where namespaces are forbidden', () => {
    expect(nodeCommand({ ...sandboxOf(), isolation: 'none' }, 'gnode02')).toEqual([
      ...['/tmp/box/bin/slurmd', '-D', '-N', 'gnode02', '-f', '/tmp/box/etc/slurm.conf'],
    ]);
  });
});
