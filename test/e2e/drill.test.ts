import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { OPSCTL, run, temporaryDirectory } from './support.ts';

const root = temporaryDirectory();
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Result {
  readonly drill: string;
  readonly verdict: string;
  readonly why: string;
  readonly seconds: { readonly noticed: number | null; readonly diagnosed: number | null };
  readonly attempts: readonly { readonly reason: string }[];
}

async function drill(words: readonly string[], timeoutMs: number): Promise<Result[]> {
  const env = { OPSCTL_HOME: join(root, 'state'), XDG_CONFIG_HOME: join(root, 'config'), NO_COLOR: '1' };
  const { code, stdout, stderr } = await run([OPSCTL, 'drill', ...words, '--json'], { env, timeoutMs });
  expect(code, stderr).toBe(0);
  return [JSON.parse(stdout)].flat() as Result[];
}

it('finds a drained node and brings the run elsewhere, and leaves a cancelled run alone', async () => {
  const results = await drill(['node-drained', 'cancelled'], 170_000);
  expect(results.map(({ drill: name, verdict }) => [name, verdict])).toEqual([
    ['node-drained', 'equal'],
    ['cancelled', 'stopped'],
  ]);
  for (const { seconds } of results) expect([seconds.noticed, seconds.diagnosed]).not.toContain(null);
});

// Minutes of whole trainings: LONG_TESTS=1 plays them, and so does "opsctl drill all".
it.skipIf(!process.env.LONG_TESTS)(
  'plays every fault, and each run ends as the undisturbed one or rightly stays down',
  async () => {
    const results = await drill(['all'], 900_000);
    expect(results.filter(({ verdict }) => verdict !== 'equal' && verdict !== 'stopped')).toEqual([]);
    const preempted = results.find(({ drill: name }) => name === 'preempt');
    expect(preempted?.attempts.map(({ reason }) => reason)).toEqual([
      'preempted',
      'preempted',
      'preempted',
      'failed',
      'finished',
    ]);
  },
  930_000,
);
