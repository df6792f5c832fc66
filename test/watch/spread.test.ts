import { appendFile, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EMPTY_PROFILE } from '../../src/config/empty-profile.ts';
import { watchSchema } from '../../src/config/watch-schema.ts';
import { BEGAN, DISABLED, lookAt, type Place, place, queued, SPACE, submitted, USER } from './look-at.ts';

const RUNS = [0, 1, 2, 3];
const profile = {
  ...EMPTY_PROFILE,
  automation: { ...EMPTY_PROFILE.automation, level: 'L2' as const },
  watch: watchSchema.parse({ hang_floor: '0:01:00', hang_ceiling: '0:02:00' }),
};
const sinfo = Array.from({ length: 12 }, (_, index) => `gnode${index}|allocated|64000|30000|none\n`).join('');

const dirOf = ({ root }: Place, index: number) => join(root, 'runs', `run-${index}`);
const logOf = (here: Place, index: number) => join(dirOf(here, index), 'logs', 'job.log');

/** Four runs of two nodes each, on a cluster of twelve. */
async function fourRuns(): Promise<Place> {
  const here = await place();
  for (const index of RUNS) {
    const outputDir = dirOf(here, index);
    await submitted({ ...here, outputDir }, { runId: `run-${index}`, jobId: `${20 + index}` });
    await writeFile(logOf(here, index), 'step 5 loss 1.0\n');
    await utimes(logOf(here, index), BEGAN, BEGAN);
  }
  return here;
}

function queue(over: Record<string, string | number>, which = RUNS): string {
  return which
    .map((index) => {
      const hosts = `gnode[${2 * index}-${2 * index + 1}]`;
      return queued({ jobId: 20 + index, rawId: 20 + index, name: `run-${index}`, hosts, ...over });
    })
    .join('');
}

function shown(index: number, state: string): string {
  return `JobId=${20 + index} JobName=run-${index}\n   UserId=${USER}(0) GroupId=x(0)\n   JobState=${state}\n   Requeue=1 Restarts=0\n   NodeList=gnode[${2 * index}-${2 * index + 1}]\n   WorkDir=/\n   StdOut=/x\n`;
}

const KNOWN = { sinfo, sacct: DISABLED, ...SPACE };
const shownAs = (state: string) =>
  Object.fromEntries(RUNS.map((index) => [`scontrol show job ${20 + index}`, shown(index, state)]));

it('does not touch the first of four runs that end alike in one look: the fault is on a share of the cluster', async () => {
  const here = await fourRuns();
  await lookAt(here, { squeue: queue({}), ...KNOWN }, 60, profile);
  const died = await readFile('test/fixtures/faults/port-in-use.log', 'utf8');
  for (const index of RUNS) await appendFile(logOf(here, index), died);
  const again = { ...KNOWN, squeue: queue({ state: 'FAILED', end: BEGAN + 100 }) };
  // No stub puts a job back: who tries fails the test.
  const { actions } = await lookAt(here, { ...again, ...shownAs('FAILED') }, 400, profile);
  expect(actions.map(({ fault, held }) => [fault, held])).toEqual(
    RUNS.map(() => ['port-in-use', 'the breaker is open: 8 of 12 nodes show the same fault']),
  );
});

it('goes about two of them: that two runs fail alike is no epidemic', async () => {
  const here = await fourRuns();
  await lookAt(here, { squeue: queue({}), ...KNOWN }, 60, profile);
  const died = await readFile('test/fixtures/faults/port-in-use.log', 'utf8');
  for (const index of [0, 1]) await appendFile(logOf(here, index), died);
  const squeue = queue({ state: 'FAILED', end: BEGAN + 100 }, [0, 1]) + queue({}, [2, 3]);
  const stubs = {
    ...KNOWN,
    squeue,
    'scontrol show job 20': shown(0, 'FAILED'),
    'scontrol show job 21': shown(1, 'FAILED'),
  };
  const { actions } = await lookAt(here, stubs, 400, profile);
  // This squeue lists all jobs whatever it is asked, so none of them is put back in the end.
  const tried = { held: null, steps: [{ action: 'requeue', said: expect.stringContaining('array') }] };
  expect(actions).toMatchObject([tried, tried]);
});

it('does not ask the processes of three runs that stand still at once, nor end them', async () => {
  const here = await fourRuns();
  const stubs = { squeue: queue({}), ...KNOWN };
  await lookAt(here, stubs, 300, profile);
  const { actions, alerts } = await lookAt(here, { ...stubs, ...shownAs('RUNNING') }, 600, profile);
  expect(alerts.map(({ fault }) => fault)).toEqual(RUNS.map(() => 'hang'));
  expect(actions.map(({ held }) => held)).toEqual(
    RUNS.map(() => 'the breaker is open: 8 of 12 nodes show the same fault'),
  );
});
