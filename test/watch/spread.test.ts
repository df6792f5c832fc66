import { appendFile, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EMPTY_PROFILE } from '../../src/config/empty-profile.ts';
import { watchSchema } from '../../src/config/watch-schema.ts';
import { othersLike } from '../../src/watch/spread.ts';
import type { Tick } from '../../src/watch/tick.ts';
import { type Answer, fakeExec, fakeSystem } from '../support/fake-exec.ts';
import { BEGAN, DISABLED, lookAt, type Place, place, queued, SPACE, submitted, USER } from './look-at.ts';

const at = (level: 'L1' | 'L2') => ({
  ...EMPTY_PROFILE,
  automation: { ...EMPTY_PROFILE.automation, level },
  watch: watchSchema.parse({ hang_floor: '0:01:00', hang_ceiling: '0:02:00' }),
});

/** Runs of so many nodes each, one behind the other, on a cluster of more. */
interface Fleet {
  readonly runs: number;
  readonly width: number;
  readonly nodes: number;
}

const each = <T>({ runs }: Fleet, of: (index: number) => T): T[] =>
  Array.from({ length: runs }, (_, index) => of(index));
const first = ({ width }: Fleet, index: number) => width * index;
const hosts = (fleet: Fleet, index: number) =>
  `gnode[${first(fleet, index)}-${first(fleet, index) + fleet.width - 1}]`;
const logOf = ({ root }: Place, index: number) => join(root, 'runs', `run-${index}`, 'logs', 'job.log');
const sinfo = ({ nodes }: Fleet, down: readonly number[] = []) =>
  Array.from({ length: nodes }, (_, index) => {
    return `gnode${index}|${down.includes(index) ? 'down*' : 'allocated'}|64000|30000|none\n`;
  }).join('');

function queue(fleet: Fleet, over: Record<string, string | number>): string {
  return each(fleet, (index) => {
    const own = { jobId: 20 + index, rawId: 20 + index, name: `run-${index}`, hosts: hosts(fleet, index) };
    return queued({ ...own, nodes: fleet.width, ...over });
  }).join('');
}

function shown(fleet: Fleet, state: string): Record<string, string> {
  const record = (index: number) =>
    `JobId=${20 + index} JobName=run-${index}\n   UserId=${USER}(0) GroupId=x(0)\n   JobState=${state}\n   Requeue=1 Restarts=0\n   NodeList=${hosts(fleet, index)}\n   WorkDir=/\n   StdOut=/x\n`;
  return Object.fromEntries(each(fleet, (index) => [`scontrol show job ${20 + index}`, record(index)]));
}

interface End {
  readonly level?: 'L1' | 'L2';
  /** What each run says in the end. */
  readonly says: (index: number) => string;
  readonly state?: string;
  readonly sinfo?: string | Answer;
}

/** They run, and then all end between two looks: what the second does. No stub acts, so who tries is seen. */
async function allEnd(fleet: Fleet, { level = 'L2', says, state = 'FAILED', ...rest }: End) {
  const here = await place();
  for (const index of each(fleet, (run) => run)) {
    const outputDir = join(here.root, 'runs', `run-${index}`);
    await submitted({ ...here, outputDir }, { runId: `run-${index}`, jobId: `${20 + index}` });
    await writeFile(logOf(here, index), 'step 5 loss 1.0\n');
    await utimes(logOf(here, index), BEGAN, BEGAN);
  }
  const known = { sinfo: sinfo(fleet), sacct: DISABLED, ...SPACE };
  await lookAt(here, { squeue: queue(fleet, {}), ...known }, 60, at(level));
  for (const index of each(fleet, (run) => run)) await appendFile(logOf(here, index), says(index));
  const ended = { ...known, squeue: queue(fleet, { state, end: BEGAN + 100 }), ...rest };
  const seen = await lookAt(here, { ...ended, ...shown(fleet, state) }, 400, at(level));
  const system = (seconds: number) =>
    fakeSystem(fakeExec({}).exec, {
      env: { OPSCTL_HOME: here.home },
      now: () => new Date((BEGAN + seconds) * 1000),
    });
  return { ...seen, system };
}

const held = ({ actions }: Tick) => actions.map((action) => action.held);
const all = <T>(fleet: Fleet, value: T): T[] => each(fleet, () => value);
const port = await readFile('test/fixtures/faults/port-in-use.log', 'utf8');
const stale = (fleet: Fleet) => (index: number) =>
  `gnode${first(fleet, index)}: OSError: [Errno 116] Stale file handle\n`;
/** What is tried here is not done: this squeue shows all jobs, whichever is asked for. */
const tried = (action: string) => ({
  held: null,
  steps: expect.arrayContaining([
    expect.objectContaining({ action, said: expect.stringContaining('array') }),
  ]),
});

describe('a fault that several runs have', () => {
  it('stops the first act already: the runs of one look are read before one is touched', async () => {
    const fleet = { runs: 4, width: 2, nodes: 12 };
    const seen = await allEnd(fleet, { says: () => port });
    expect(held(seen)).toEqual(all(fleet, 'the breaker is open: 8 of 12 nodes show the same fault'));
  });

  it('stops nothing when two have it, or a small part of the cluster', async () => {
    for (const fleet of [
      { runs: 2, width: 4, nodes: 12 },
      { runs: 4, width: 1, nodes: 36 },
    ]) {
      const { actions } = await allEnd(fleet, { says: () => port });
      expect(actions).toMatchObject(all(fleet, tried('requeue')));
    }
  });

  it('blames no node for what a server brings to three runs, each of which names another node', async () => {
    const fleet = { runs: 3, width: 4, nodes: 16 };
    const seen = await allEnd(fleet, { says: stale(fleet) });
    expect(seen.actions.map(({ fault, steps }) => [fault, steps])).toEqual(
      all(fleet, ['filesystem-error', []]),
    );
    expect(held(seen)[0]).toBe('exclude-node: run-1, run-2 have it too: it is what they share');
    // Who repairs one of them by hand is told the same.
    const look = (seconds: number) => othersLike(seen.system(seconds), 'filesystem-error', 'run-1', 3600);
    expect([await look(500), await look(5000)]).toEqual([['run-0', 'run-2'], []]);
    const alone = { ...fleet, runs: 1 };
    const { actions } = await allEnd(alone, { says: stale(alone), level: 'L1' });
    expect(actions[0]?.steps.map(({ action }) => action)).toContain('exclude-node');
  });

  it('is counted by the nodes that are dead, not by the nodes of their jobs', async () => {
    const fleet = { runs: 4, width: 8, nodes: 36 };
    const dead = each(fleet, (index) => first(fleet, index));
    const says = (index: number) => `srun: error: Node failure on gnode${first(fleet, index)}\n`;
    const seen = await allEnd(fleet, { says, state: 'NODE_FAIL', sinfo: sinfo(fleet, dead) });
    expect(held(seen).filter((why) => why?.includes('breaker'))).toEqual([]);
    const told = seen.alerts.filter(({ fault, runs }) => fault === 'node-fail' && runs.length === 1);
    expect(told.map(({ nodes }) => nodes)).toEqual(dead.map((node) => [`gnode${node}`]));
  });

  it('is none when a run ends at its time limit or is preempted', async () => {
    const fleet = { runs: 3, width: 1, nodes: 12 };
    for (const state of ['TIMEOUT', 'PREEMPTED']) {
      const seen = await allEnd(fleet, { says: () => '', state });
      expect(held(seen).filter((why) => why?.includes('breaker'))).toEqual([]);
    }
  });

  it('is no word of an open breaker where nothing would be done anyway', async () => {
    const fleet = { runs: 3, width: 4, nodes: 12 };
    const typo =
      'Traceback (most recent call last):\n  File "train.py", line 3, in <module>\nNameError: name \'foo\'\n';
    for (const end of [{ says: () => typo }, { says: () => port, level: 'L1' as const }])
      expect(JSON.stringify((await allEnd(fleet, end)).actions)).not.toContain('breaker');
  });

  it('does not make nodes of words that are none', async () => {
    const fleet = { runs: 1, width: 6, nodes: 12 };
    const says = () => ['rank0', 'worker-1', 'gnode2', 'gnode99'].map((who) => `${who}: ${port}`).join('');
    const { alerts } = await allEnd(fleet, { says, level: 'L1' });
    expect(alerts.flatMap(({ nodes }) => nodes).filter((node) => !/^gnode[0-5]$/.test(node))).toEqual([]);
  });

  it('is proposed and looked at again while sinfo does not say how many nodes there are', async () => {
    const fleet = { runs: 4, width: 3, nodes: 12 };
    const away = { code: 1, stderr: 'slurm_load_node error: Unable to contact slurm controller' };
    const { actions } = await allEnd(fleet, { says: () => port, sinfo: away });
    expect(actions).toMatchObject(
      all(fleet, { waits: true, steps: [{ action: 'requeue', result: 'proposed' }] }),
    );
    expect(actions[0]?.held).toContain('Slurm does not say which nodes there are');
  });
});

it('does not ask the processes of four runs that stand still at once, nor end them', async () => {
  const fleet = { runs: 4, width: 2, nodes: 12 };
  const here = await place();
  for (const index of each(fleet, (run) => run)) {
    const outputDir = join(here.root, 'runs', `run-${index}`);
    await submitted({ ...here, outputDir }, { runId: `run-${index}`, jobId: `${20 + index}` });
    await writeFile(logOf(here, index), 'step 5 loss 1.0\n');
    await utimes(logOf(here, index), BEGAN, BEGAN);
  }
  const stubs = { squeue: queue(fleet, {}), sinfo: sinfo(fleet), sacct: DISABLED, ...SPACE };
  await lookAt(here, stubs, 300, at('L2'));
  const seen = await lookAt(here, { ...stubs, ...shown(fleet, 'RUNNING') }, 600, at('L2'));
  expect(seen.alerts.map(({ fault }) => fault)).toEqual(all(fleet, 'hang'));
  expect(held(seen)).toEqual(all(fleet, 'the breaker is open: 8 of 12 nodes show the same fault'));
});
