import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { OPSCTL, run, temporaryDirectory } from './support.ts';

const root = temporaryDirectory();
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('a training that is preempted three times and killed while it writes a checkpoint', () => {
  // A minute of two whole trainings: LONG_TESTS=1 plays it, and so does "opsctl drill preempt".
  it.skipIf(!process.env.LONG_TESTS)(
    'ends as the undisturbed one, to the bit, and without a sample lost',
    async () => {
      const { code, stdout, stderr } = await run([OPSCTL, 'drill', 'preempt', '--json'], {
        env: { OPSCTL_HOME: join(root, 'state'), XDG_CONFIG_HOME: join(root, 'config'), NO_COLOR: '1' },
        timeoutMs: 290_000,
      });
      expect(code, stderr).toBe(0);
      const { attempts, ...result } = JSON.parse(stdout) as { attempts: { reason: string }[] };
      expect(result).toMatchObject({ drill: 'preempt', verdict: 'equal', comparison: { equal: true } });
      expect(attempts.map(({ reason }) => reason)).toEqual([
        'preempted',
        'preempted',
        'preempted',
        'failed',
        'finished',
      ]);
    },
  );
});
