import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { accepts, blocks, holdPorts, portsOf } from '../../src/sandbox/ports.ts';

describe('blocks', () => {
  it('offers every block once, whatever the seed', () => {
    for (const seed of [0, 7, 123_456_789]) {
      const all = blocks(seed);
      expect(new Set(all).size).toBe(all.length);
      expect(Math.min(...all)).toBeGreaterThanOrEqual(18_000);
      expect(Math.max(...all) + 66).toBeLessThan(32_768);
    }
  });
});

describe('holdPorts', () => {
  it('gives no two holders the same block', async () => {
    const holds = await Promise.all([1, 2, 3].map(() => holdPorts(4, 5)));
    expect(new Set(holds.map((hold) => hold.ports.controller)).size).toBe(3);
    await Promise.all(holds.map((hold) => hold.release()));
  });

  it('passes over a block in which someone listens on one port', async () => {
    const hold = await holdPorts(4, 11);
    await hold.release();
    const server = createServer().listen(hold.ports.firstNode + 3, '127.0.0.1');
    await once(server, 'listening');
    const other = await holdPorts(4, 11);
    expect(other.ports).not.toEqual(hold.ports);
    await other.release();
    server.close();
  });

  it('leaves the ports free to listen on', async () => {
    const hold = await holdPorts(1, 17);
    expect(await accepts(hold.ports.controller)).toBe(false);
    expect(portsOf(hold.ports.controller - 1)).toEqual(hold.ports);
    await hold.release();
  });
});
