import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { DEFAULT_SHAPE, type Shape } from '../../src/sandbox/shape.ts';

/** A sandbox of /tmp/box, in the default shape but for what is given. */
export function sandboxOf(shape: Partial<Shape> = {}): Sandbox {
  return {
    version: 1,
    name: 'box',
    dir: '/tmp/box',
    cluster: 'sandbox_0123abcd',
    user: 'ada',
    host: 'laptop',
    shape: { ...DEFAULT_SHAPE, ...shape },
    isolation: 'mount-namespace',
    shares: ['/tmp/box'],
    ports: { controller: 18_001, database: 18_002, firstNode: 18_003 },
    slurmVersion: '22.05.8',
    createdAt: '2026-01-01T00:00:00.000Z',
    starter: null,
  };
}
