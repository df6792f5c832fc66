import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PROFILE } from '../support/plan.ts';
import { CASES, killAtRandom, killAtStep, type Paths, program } from './crash.ts';
import { AUTOMATION } from './support.ts';

/** `npm run crash` sets it: every step of every action, and hundreds of random moments. */
const ALL = process.env.OPSCTL_CRASH === 'all';
/** No act has so many steps: the test fails when one is still being killed there. */
const MOST_STEPS = 400;
const PROFILE_L4 = {
  ...PROFILE,
  automation: { ...AUTOMATION, level: 'L4', allow_drain: true, keep_checkpoints: 1 },
};

let paths: Paths;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'opsctl-crash-'));
  paths = await program(directory);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it('opsctl killed at the steps of every act does nothing twice, loses nothing and leaves no half file', async () => {
  let kills = 0;
  for (const [index, one] of CASES.entries()) {
    // In the short form three steps of each act, others with each case.
    const steps = ALL
      ? Array.from({ length: MOST_STEPS }, (_, step) => step + 1)
      : [9 + (index % 5), 17 + (index % 7)];
    for (const step of steps) {
      const whens = ALL ? (['before', 'after'] as const) : ([index % 2 === 0 ? 'before' : 'after'] as const);
      const killed = await Promise.all(whens.map((when) => killAtStep(paths, one, step, when, PROFILE_L4)));
      kills += killed.reduce((sum, count) => sum + count, 0);
      if (killed.every((count) => count === 0)) break;
      expect(step, `${one.action} is still going on`).toBeLessThan(MOST_STEPS);
    }
  }
  expect(kills).toBeGreaterThan(ALL ? 700 : 20);
  process.stderr.write(`${kills} kills at steps\n`);
}, 1_800_000);

it('two opsctl at once, both killed at random moments, do nothing twice', async () => {
  let kills = 0;
  let seed = 20261125;
  const random = (): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed / 2_147_483_648;
  };
  const rounds = ALL ? 20 : 1;
  const cases = ALL ? CASES : CASES.filter((_, index) => index % 3 === 0);
  for (let round = 0; round < rounds; round++)
    for (const one of cases) kills += await killAtRandom(paths, one, random, PROFILE_L4);
  expect(kills).toBeGreaterThan(ALL ? 100 : 0);
  process.stderr.write(`${kills} kills at random moments\n`);
}, 1_800_000);
