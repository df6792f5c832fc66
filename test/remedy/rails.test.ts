import { describe, expect, it } from 'vitest';
import { breakerOf } from '../../src/remedy/breaker.ts';
import { makePlan } from '../../src/remedy/plan.ts';
import { levelFor } from '../../src/remedy/policy.ts';
import { manifest } from '../run/known.ts';
import { PARTITION } from '../support/plan.ts';
import {
  AUTOMATION,
  actions,
  cause,
  done,
  evidence,
  jobNow,
  NOW,
  planFor,
  rails,
  request,
} from './support.ts';

const killed = cause('killed-external', ['requeue']);
const lost = cause('node-fail', ['exclude-node', 'drain-node'], { evidence: [evidence('gnode02')] });

describe('a plan (rail 1)', () => {
  it('says the exact command, the reason, what it touches and how it is undone', () => {
    expect(planFor(killed).steps).toMatchObject([
      {
        action: 'requeue',
        command: ['scontrol', 'requeue', '12'],
        reason: 'killed-external: killed-external happened.',
        blast: { jobs: ['12'] },
        undo: 'opsctl cancel sft-tiny',
        level: 2,
        expects: { restarts: 0, phases: ['ended'] },
      },
    ]);
  });

  it('says of a job that waits that there is nothing to put back, when a person asked for that', () => {
    const job = jobNow({ state: 'PENDING' });
    expect(planFor(killed, { job, only: ['requeue'] }).refused).toEqual([
      { action: 'requeue', rail: 'state', why: 'the job waits already' },
    ]);
    expect(planFor(killed, { job }).refused).toEqual([]);
  });

  it('promises no checkpoint of a job that somebody else wrote', () => {
    const [ours, theirs] = [{}, { run: null, isNamed: true }].map(
      (over) => planFor(killed, over).steps[0]?.blast.text,
    );
    expect(ours).toContain('from its newest checkpoint');
    expect(theirs).not.toContain('checkpoint');
  });

  it('gives the same act on the same attempt the same id, and another attempt another', () => {
    const id = (restarts: number) => planFor(killed, { job: jobNow({ restarts }) }).steps[0]?.id;
    expect(id(0)).toBe(id(0));
    expect(id(0)).not.toBe(id(1));
  });

  it('puts what only a person can do beside the steps, ready to type', () => {
    const plan = planFor(cause('cuda-oom', ['smaller-batch']));
    expect(plan.advice).toEqual([
      { id: 'smaller-batch', level: 'L2', command: 'do smaller-batch 12', summary: 'smaller-batch' },
    ]);
    expect(plan.steps).toEqual([]);
  });
});

describe('blind means still (rail 2)', () => {
  it('does nothing when Slurm does not answer', () => {
    const plan = planFor(killed, { job: 'blind' });
    expect(actions(plan)).toEqual([]);
    expect(rails(plan)).toEqual(['requeue: blind']);
  });

  it('does nothing on an unknown cause', () => {
    const plan = makePlan(request({ diagnosis: { status: 'unknown', causes: [killed] } }));
    expect(plan).toMatchObject({ steps: [], fault: null });
  });

  it('does nothing by itself on a cause that is not sure', () => {
    const unsure = { ...killed, confidence: 0.79 };
    expect(rails(planFor(unsure))).toEqual(['requeue: unsure']);
    const actor = { user: 'ana', ownJob: null, attended: true };
    expect(actions(planFor(unsure, { actor }))).toEqual(['requeue']);
  });
});

describe('at most once (rail 3)', () => {
  const { id = '' } = planFor(killed).steps[0] ?? {};

  it('does not do again what was done', () => {
    expect(rails(planFor(killed, { history: [done(30, 50, { id })] }))).toEqual(['requeue: at-most-once']);
  });

  it('does not do again what may have been done', () => {
    const history = [done(30, 50, { id, outcome: null })];
    expect(rails(planFor(killed, { history }))).toEqual(['requeue: at-most-once']);
  });

  it('may do again what was certainly not done', () => {
    const outcome = { at: '', result: 'not-done', said: '', after: null } as const;
    expect(actions(planFor(killed, { history: [done(30, 50, { id, outcome })] }))).toEqual(['requeue']);
  });
});

describe('budgets (rail 4)', () => {
  const three = [done(90, 100), done(60, 100), done(30, 100)];

  it('stops after three restarts without a newer checkpoint, and says so loudly once', () => {
    const plan = planFor(killed, { history: three });
    expect(actions(plan)).toEqual([]);
    expect(plan).toMatchObject({
      exhausted: { restarts: 3, first: true },
      refused: [{ rail: 'budget', why: expect.stringContaining('EXHAUSTED') }],
    });
    const said = { version: 1, kind: 'exhausted', id: 'x', by: 'ana', reason: '' } as const;
    const note = { ...said, at: NOW.toISOString(), runId: 'sft-tiny', fault: 'killed-external' };
    expect(planFor(killed, { history: [...three, note] }).exhausted).toEqual({ restarts: 3, first: false });
  });

  it('begins anew when a newer checkpoint is there', () => {
    expect(actions(planFor(killed, { history: three, newestStep: 150 }))).toEqual(['requeue']);
  });

  it('counts each cause for itself, and what may have been done as done', () => {
    const other = three.map((entry) => ({ ...entry, fault: 'node-fail' }));
    expect(actions(planFor(killed, { history: other }))).toEqual(['requeue']);
    const open = three.map((entry) => ({ ...entry, outcome: null }));
    expect(rails(planFor(killed, { history: open }))).toEqual(['requeue: budget']);
  });

  it.each([
    ['the first restart', [], 0.5, 2],
    ['the second', [done(4.9, 100)], 0.1, 5.1],
    ['the third', [done(60, 100), done(14.9, 100)], 0.1, 15.1],
  ])('waits before %s when no person is there', (_which, history, early, late) => {
    const ended = (minutes: number) => jobNow({ endTime: NOW.getTime() / 1000 - minutes * 60 });
    const older = history.map((entry) => ({ ...entry, at: entry.at }));
    expect(rails(planFor(killed, { history: older, job: ended(early) }))).toEqual(['requeue: backoff']);
    const later = new Date(NOW.getTime() + late * 60_000);
    expect(actions(planFor(killed, { history: older, job: ended(early), now: later }))).toEqual(['requeue']);
    const actor = { user: 'ana', ownJob: null, attended: true };
    expect(actions(planFor(killed, { history: older, job: ended(early), actor }))).toEqual(['requeue']);
  });

  it.each(['disk-quota', 'python-error', 'cuda-oom', 'host-oom', 'loss-nan', 'bad-argument', 'wandb-no-key'])(
    'never retries %s unchanged',
    (fault) => {
      expect(rails(planFor(cause(fault, ['requeue'])))).toEqual(['requeue: unchanged-retry']);
      expect(actions(planFor(cause(fault, ['resubmit'])))).toEqual([]);
    },
  );
});

describe('a restart with a difference (rail 5)', () => {
  it('requeues without the suspect node, as soon as the job can be told', () => {
    const plan = planFor(lost);
    expect(plan.steps.map(({ command }) => command.join(' '))).toEqual([
      'scontrol requeue 12',
      'scontrol update JobId=12 ExcNodeList=gnode02',
    ]);
    expect(plan.steps[1]?.expects).toEqual({ restarts: 1, phases: ['pending'] });
  });

  it('only tells the job when Slurm itself has requeued it', () => {
    const plan = planFor(lost, { job: jobNow({ state: 'PENDING', restarts: 1, excluded: ['gnode09'] }) });
    expect(plan.steps.map(({ command }) => command.join(' '))).toEqual([
      'scontrol update JobId=12 ExcNodeList=gnode[02,09]',
    ]);
  });

  it('lets a job that waits for a drained node take another, and keeps the rest of what it asked for', () => {
    const waits = jobNow({
      state: 'PENDING',
      nodes: ['gnode02', 'gnode03'],
      required: ['gnode02', 'gnode03'],
    });
    const nodes = [{ node: 'gnode03', state: 'drained', reason: 'cable' }];
    const plan = planFor(cause('node-unavailable', ['exclude-node']), { job: waits, nodes });
    expect(plan.steps.map(({ command }) => command.join(' '))).toEqual([
      'scontrol update JobId=12 ReqNodeList=gnode02 ExcNodeList=gnode03',
    ]);
  });

  it('submits the script again without the node when Slurm may not requeue the job', () => {
    const plan = planFor(lost, { job: jobNow({ mayRequeue: false }) });
    expect(plan.steps.map(({ action }) => action)).toEqual(['exclude-node', 'resubmit']);
    expect(plan.steps[1]?.command).toEqual([
      'sbatch',
      '--parsable',
      '--exclude=gnode02',
      '/data/runs/sft-tiny/job.sbatch',
    ]);
  });

  it('believes Slurm about which node is gone', () => {
    const plan = planFor(cause('node-fail', ['exclude-node']), {
      nodes: [
        { node: 'gnode03', state: 'down*', reason: 'Not responding' },
        { node: 'gnode01', state: 'idle', reason: null },
      ],
    });
    expect(plan.steps[1]?.act.nodes).toEqual(['gnode03']);
  });

  it('excludes no node for one storage fault on many nodes', () => {
    const many = ['gnode01', 'gnode02', 'gnode03'].map((node) => evidence(node));
    const plan = planFor(cause('filesystem-error', ['exclude-node'], { evidence: many }));
    expect(actions(plan)).toEqual([]);
    expect(rails(plan)).toEqual(['exclude-node: not-the-node']);
  });

  it('excludes no node that is none of the job’s, whatever a log says', () => {
    const plan = planFor(cause('node-fail', ['exclude-node'], { evidence: [evidence('gnode99')] }));
    expect(rails(plan)).toEqual(['exclude-node: not-the-node']);
  });

  it('excludes no node when too few would be left', () => {
    const partitions = { gpu: { ...PARTITION, nodes: 2 } };
    const profile = { automation: AUTOMATION, partitions, data_root: null };
    const plan = planFor(lost, { profile });
    expect(rails(plan)).toContain('exclude-node: too-few-nodes');
    expect(plan.refused[0]?.why).toContain('--only resubmit --set nodes=1');
  });

  it('moves caches, goes offline, and goes on from an older checkpoint', () => {
    const profile = { automation: AUTOMATION, partitions: {}, data_root: '/data/me' };
    const changeOf = (fault: string, remedy: string) =>
      planFor(cause(fault, [remedy]), { profile }).steps.map(({ action, act }) => [action, act.change]);
    expect(changeOf('disk-full', 'relocate-cache')).toEqual([
      ['resubmit', { set: { data_root: '/data/me' }, beforeStep: null }],
    ]);
    expect(changeOf('wandb-timeout', 'wandb-offline')).toEqual([
      ['resubmit', { set: { offline: 'true' }, beforeStep: null }],
    ]);
    expect(changeOf('checkpoint-corrupt', 'resume-earlier')).toEqual([
      ['resubmit', { set: {}, beforeStep: 100 }],
    ]);
  });

  it('asks for half as much again, up to what the partition allows', () => {
    const parameters = {
      ...manifest().parameters,
      time: { value: '6-00:00:00', source: 'flag', where: '--time' } as const,
    };
    const plan = planFor(cause('time-limit', ['longer']), { run: manifest({ parameters }) });
    expect(plan.steps[0]).toMatchObject({
      action: 'raise-limit',
      act: { change: { set: { time: '7-00:00:00' } } },
    });
  });
});

describe('the breaker (rail 6)', () => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => done(index + 1, 1));

  it('opens after too many acts in a window and stays open when the window has forgotten them', () => {
    expect(breakerOf(many(9), AUTOMATION, null, NOW).open).toBe(false);
    expect(breakerOf(many(10), AUTOMATION, null, NOW)).toMatchObject({ open: true, opensNow: true });
    const note = { version: 1, id: 'b', by: 'ana', runId: null, fault: null, reason: '10 acts' } as const;
    const opened = { ...note, kind: 'breaker-open', at: '2026-11-24T00:00:00Z' } as const;
    expect(breakerOf([opened], AUTOMATION, null, NOW)).toEqual({
      open: true,
      opensNow: false,
      why: '10 acts',
    });
  });

  it('does not count what a person did, nor what came before it was closed', () => {
    const attended = many(20).map((entry) => ({ ...entry, attended: true }));
    expect(breakerOf(attended, AUTOMATION, null, NOW).open).toBe(false);
    const note = { version: 1, id: 'b', by: 'ana', runId: null, fault: null, reason: '' } as const;
    const closed = { ...note, kind: 'breaker-closed', at: NOW.toISOString() } as const;
    expect(breakerOf([...many(20), closed], AUTOMATION, null, NOW).open).toBe(false);
  });

  /** Nodes from `first` on, as one run shows a fault on them. */
  const sighting = (runId: string, named: number, ran = 0, first = 0, at = NOW.toISOString()) => {
    const names = (count: number) => Array.from({ length: count }, (_, index) => `gnode${first + index}`);
    return { runId, at, named: names(named), ran: names(ran) };
  };
  type Sightings = ReturnType<typeof sighting>[];
  const isOpen = (isOfNode: boolean, nodes: number, ...sightings: Sightings) =>
    breakerOf([], AUTOMATION, { nodes, isOfNode, sightings }, NOW).open;
  const earlier = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000).toISOString();

  it('opens when nodes have a fault of their own on more than the share, each node counted once', () => {
    expect(isOpen(true, 36, sighting('a', 8, 36))).toBe(true);
    expect(isOpen(true, 36, sighting('a', 7, 36))).toBe(false);
    expect(isOpen(true, 3, sighting('a', 1, 3))).toBe(false);
    expect(isOpen(true, 36, sighting('a', 4), sighting('b', 4, 0, 4))).toBe(true);
    expect(isOpen(true, 36, sighting('a', 4), sighting('b', 4, 0, 3))).toBe(false);
    expect(isOpen(true, 36, sighting('a', 4), sighting('b', 4, 0, 4, earlier(2)))).toBe(false);
  });

  it('counts one dead node a run as that node, and all of them where no line says which', () => {
    const runs = ['a', 'b', 'c', 'd'];
    const dead = runs.map((run, index) => sighting(run, 1, 8, 9 * index));
    expect(isOpen(true, 36, ...dead)).toBe(false);
    expect(isOpen(true, 36, ...dead.map((each) => ({ ...each, named: [] })))).toBe(true);
  });

  it('counts all nodes of three runs for what they share, whichever of them a line names', () => {
    const [one, two, three] = [sighting('a', 1, 12), sighting('b', 1, 12, 12), sighting('c', 1, 12, 24)];
    expect(isOpen(false, 36, one, two, three)).toBe(true);
    const small = [sighting('a', 1, 2), sighting('b', 1, 2, 2), sighting('c', 1, 2, 4)];
    expect(isOpen(false, 36, ...small)).toBe(false);
  });

  it('takes no single large run for an epidemic, nor two', () => {
    expect(isOpen(false, 36, sighting('a', 12, 36))).toBe(false);
    expect(isOpen(false, 36, sighting('a', 12, 18), sighting('b', 12, 18, 18))).toBe(false);
  });

  it('does not open again at once for what a person has seen when closing it', () => {
    const note = { version: 1, id: 'b', by: 'ana', runId: null, fault: null, reason: '' } as const;
    const closed = { ...note, kind: 'breaker-closed', at: earlier(0.25) } as const;
    const fleet = (at: string) => ({ nodes: 36, isOfNode: true, sightings: [sighting('a', 8, 0, 0, at)] });
    expect(breakerOf([closed], AUTOMATION, fleet(earlier(0.5)), NOW).open).toBe(false);
    expect(breakerOf([closed], AUTOMATION, fleet(earlier(0.1)), NOW).open).toBe(true);
  });
});

describe('what is not ours (rail 7)', () => {
  it('leaves another user’s job alone, also one that a person named', () => {
    const plan = planFor(killed, { job: jobNow({ user: 'bob' }), isNamed: true });
    expect(rails(plan)).toEqual(['requeue: not-ours']);
  });

  it('leaves a job alone that opsctl did not submit, unless a person named it', () => {
    expect(rails(planFor(killed, { run: null }))).toEqual(['requeue: not-ours']);
    expect(actions(planFor(killed, { run: null, isNamed: true }))).toEqual(['requeue']);
  });

  it('never touches the job that it runs in', () => {
    const actor = { user: 'ana', ownJob: '12', attended: true };
    expect(rails(planFor(killed, { actor }))).toEqual(['requeue: own-job']);
  });

  it('never takes the bare id of an array, which means all of its tasks', () => {
    expect(rails(planFor(killed, { job: jobNow({ parts: true }) }))).toEqual(['requeue: array']);
  });

  it('drains only where the profile allows it', () => {
    expect(rails(planFor(lost))).toEqual(['drain-node: allow-drain']);
    const automation = { ...AUTOMATION, allow_drain: true };
    const plan = planFor(lost, { profile: { automation, partitions: {}, data_root: null } });
    expect(plan.steps.at(-1)?.command).toEqual([
      'scontrol',
      'update',
      'NodeName=gnode02',
      'State=DRAIN',
      'Reason=opsctl: node-fail',
    ]);
  });
});

describe('old news (rail 10)', () => {
  it('drops what was seen before the attempt that runs now began', () => {
    const hang = cause('hang', ['collect-evidence', 'requeue']);
    const job = jobNow({ state: 'RUNNING', endTime: null });
    const seen = (seconds: number) => new Date(((job.startTime ?? 0) + seconds) * 1000);
    expect(rails(planFor(hang, { job, seenAt: seen(-1) }))).toEqual([
      'collect-evidence: stale',
      'requeue: stale',
    ]);
    expect(actions(planFor(hang, { job, seenAt: seen(1) }))).toEqual(['collect-evidence', 'requeue']);
  });

  it('takes no job away that still runs, except one that stands still', () => {
    expect(rails(planFor(killed, { job: jobNow({ state: 'RUNNING' }) }))).toEqual(['requeue: state']);
  });

  it('leaves alone what ended well or was cancelled', () => {
    expect(rails(planFor(killed, { job: jobNow({ state: 'COMPLETED' }) }))).toEqual(['requeue: state']);
    expect(rails(planFor(killed, { job: jobNow({ state: 'CANCELLED' }) }))).toEqual(['requeue: state']);
  });
});

describe('levels', () => {
  const policy = {
    ...AUTOMATION,
    faults: { 'node-fail': 'L3' as const },
    runs: { 'sft-*': 'L2' as const, '*': 'L3' as const },
  };

  it('are L1 unless the profile says more, for a fault or for a run', () => {
    expect(levelFor(AUTOMATION, 'node-fail', 'sft-tiny')).toBe(1);
    expect(levelFor({ ...AUTOMATION, faults: { 'node-fail': 'L2' } }, 'node-fail', 'sft-tiny')).toBe(2);
    expect(levelFor({ ...AUTOMATION, faults: { 'node-fail': 'L2' } }, 'hang', 'sft-tiny')).toBe(1);
  });

  it('count the lowest where several are meant', () => {
    expect(levelFor(policy, 'node-fail', 'sft-tiny')).toBe(2);
    expect(levelFor(policy, 'node-fail', 'dpo-tiny')).toBe(3);
    expect(levelFor({ ...policy, runs: { 'sft-?iny': 'L0' } }, 'node-fail', 'sft-tiny')).toBe(0);
    expect(levelFor({ ...policy, level: 'L0' }, 'node-fail', 'sft-tiny')).toBe(0);
  });
});

describe('text from a log', () => {
  it.each([
    'gnode02; rm -rf /',
    '$(touch /tmp/x)',
    'gnode02\nState=DOWN',
    '`id`',
    '\u001b[2Jgnode01',
    '--nodelist=all',
  ])('%j never becomes part of a command', (text) => {
    const found = cause('node-fail', ['exclude-node', 'drain-node'], {
      evidence: [evidence(text, `Node failure on ${text}`), evidence('gnode02', text)],
    });
    const automation = { ...AUTOMATION, allow_drain: true };
    const plan = planFor(found, { profile: { automation, partitions: {}, data_root: null } });
    expect(plan.steps.length).toBeGreaterThan(0);
    for (const { command, undo } of plan.steps) expect([...command, undo].join(' ')).not.toContain(text);
    for (const { act } of plan.steps) for (const node of act.nodes) expect(jobNow().nodes).toContain(node);
  });
});
