import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PROFILE } from '../support/plan.ts';
import { inParallel, seeded } from '../support/pool.ts';
import { CASES, killAtRandom, killAtStep, type Paths, program } from './crash.ts';
import { AUTOMATION } from './support.ts';

/** `npm run crash` sets it: every step of every action, and hundreds of random moments. */
const ALL = process.env.OPSCTL_CRASH === 'all';
/** No act has so many steps: the test fails when one is still being killed there. */
const MOST_STEPS = 400;
/** Steps of one act that are tried before it is asked whether it has more. */
const STRETCH = 8;
/** Most of a trial is waiting: for the disk, and for what Slurm will show. */
const AT_ONCE = 4;
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

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

async function killEverywhere(one: (typeof CASES)[number]): Promise<number> {
  let kills = 0;
  for (let from = 1; from < MOST_STEPS; from += STRETCH) {
    const trials = Array.from({ length: STRETCH }, (_, index) => from + index).flatMap((step) =>
      (['before', 'after'] as const).map((when) => ({ step, when })),
    );
    const counts = await inParallel(AT_ONCE, trials, ({ step, when }) =>
      killAtStep(paths, one, step, when, PROFILE_L4),
    );
    kills += sum(counts);
    if (sum(counts) === 0) return kills;
  }
  throw new Error(`${one.only} is still going on at step ${MOST_STEPS}`);
}

it('opsctl killed at the steps of every act does nothing twice, loses nothing and leaves no half file', async () => {
  if (ALL) {
    let kills = 0;
    for (const one of CASES) {
      const count = await killEverywhere(one);
      process.stderr.write(`${one.only}: ${count} kills at steps\n`);
      kills += count;
    }
    expect(kills).toBeGreaterThan(700);
    return;
  }
  // In the short form two steps of each act, others with each case.
  const trials = CASES.flatMap((one, index) =>
    [9 + (index % 5), 17 + (index % 7)].map((step) => ({ one, step, index })),
  );
  const counts = await inParallel(AT_ONCE, trials, ({ one, step, index }) =>
    killAtStep(paths, one, step, index % 2 === 0 ? 'before' : 'after', PROFILE_L4),
  );
  expect(sum(counts)).toBeGreaterThan(20);
}, 1_800_000);

it('two opsctl at once, both killed at random moments, do nothing twice', async () => {
  const random = seeded(20261125);
  const cases = ALL ? CASES : CASES.filter((_, index) => index % 3 === 0);
  const trials = Array.from({ length: ALL ? 12 : 1 }, () => cases).flat();
  const counts = await inParallel(AT_ONCE / 2, trials, (one) => killAtRandom(paths, one, random, PROFILE_L4));
  expect(sum(counts)).toBeGreaterThan(ALL ? 100 : 0);
  process.stderr.write(`${sum(counts)} kills at random moments\n`);
}, 1_800_000);
