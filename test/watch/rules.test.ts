import { describe, expect, it } from 'vitest';
import type { NodePace } from '../../src/watch/memory.ts';
import { compared, paceOf } from '../../src/watch/pace.ts';
import type { Place } from '../../src/watch/places.ts';
import { parseQuota } from '../../src/watch/quota-table.ts';
import { judge } from '../../src/watch/rules.ts';
import { job } from '../run/known.ts';
import { CONFIG, lookOf, MINUTE, NOW, node, progress, scene, watched } from './support.ts';

const faults = (judged: ReturnType<typeof judge>) =>
  judged.alerts.map(({ fault, severity }) => `${severity} ${fault}`);

describe('a look that saw nothing', () => {
  it('is blind for all faults when the queue could not be read', () => {
    expect(judge(scene({ look: lookOf({ queue: undefined }), runs: [watched()] }))).toEqual({
      alerts: [],
      blind: 'all',
    });
  });

  it('is blind for node faults alone when the nodes could not be read', () => {
    const { blind } = judge(scene({ look: lookOf({ nodes: undefined }), runs: [watched()] }));
    expect(blind).toEqual(['node-fail', 'node-draining', 'host-memory']);
  });

  it('is blind for what is read from logs when a log could not be read', () => {
    const hung = { ...watched({ progress: progress({ strikes: 9 }) }), isRead: false };
    const { alerts, blind } = judge(scene({ runs: [hung] }));
    expect(alerts).toEqual([]);
    expect(blind).toEqual(['speed-fall', 'loss-nan', 'loss-spike', 'hang', 'slow-node']);
  });

  it('is blind for quotas and space when a file system did not answer, and says which', () => {
    const { alerts, blind } = judge(
      scene({ runs: [watched()], places: { places: [], silent: ['/data/runs'] } }),
    );
    expect(blind).toEqual(['disk-quota', 'disk-full']);
    expect(alerts).toMatchObject([{ fault: 'filesystem-error', severity: 'critical', runs: ['sft-tiny'] }]);
  });

  it('says nothing of a run that is well', () => {
    expect(judge(scene({ runs: [watched()] }))).toEqual({ alerts: [], blind: [] });
  });
});

describe('jobs that wait', () => {
  const waiting = (reason: string, submitTime = 0) =>
    judge(scene({ runs: [watched({}, job({ state: 'PENDING', reason, submitTime, nodes: '' }))] }));

  it.each([
    ['ReqNodeNotAvail, UnavailableNodes:gnode07', 'node-unavailable'],
    ['DependencyNeverSatisfied', 'dependency-never'],
    ['PartitionNodeLimit', 'slurm-invalid-request'],
    ['PartitionTimeLimit', 'slurm-invalid-request'],
    ['AssocMaxWallDurationPerJobLimit', 'slurm-invalid-request'],
    ['QOSMaxCpuPerJobLimit', 'slurm-invalid-request'],
    ['JobHeldAdmin', 'job-held'],
    ['launch failed requeued held', 'job-held'],
  ])('names %s, which does not pass by itself', (reason, fault) => {
    expect(waiting(reason).alerts).toMatchObject([{ fault, runs: ['sft-tiny'] }]);
  });

  it.each([
    'Priority',
    'Resources',
    'BeginTime',
    'Dependency',
    'JobHeldUser',
    'QOSMaxNodePerUserLimit',
    'Licenses',
  ])('leaves %s alone, which passes or was asked for', (reason) => {
    expect(waiting(reason).alerts).toEqual([]);
  });

  it('gives a node that reboots five minutes', () => {
    const now = NOW.getTime() / 1000;
    expect(waiting('ReqNodeNotAvail', now - 200).alerts).toEqual([]);
    expect(waiting('ReqNodeNotAvail', now - 400).alerts).toHaveLength(1);
  });

  it('makes one alert of 10,000 jobs that wait for the same', () => {
    const queue = Array.from({ length: 10_000 }, (_, index) =>
      job({ jobId: String(index), name: `j${index}`, state: 'PENDING', reason: 'PartitionNodeLimit' }),
    );
    const { alerts } = judge(scene({ look: lookOf({ queue }) }));
    expect(alerts).toHaveLength(1);
    expect(alerts[0]?.summary).toMatch(/^10000 jobs wait with reason PartitionNodeLimit/);
    expect(alerts[0]?.evidence).toHaveLength(3);
  });
});

describe('nodes', () => {
  const on = (state: string, reason: string | null = null) =>
    judge(
      scene({
        runs: [watched()],
        look: lookOf({ queue: [job()], nodes: new Map([['gnode02', node('gnode02', state, { reason })]]) }),
      }),
    );

  it.each([
    ['down*', 'critical node-fail'],
    ['allocated*', 'critical node-fail'],
    ['fail', 'critical node-fail'],
    ['draining', 'warning node-draining'],
    ['drained*', 'critical node-fail'],
    ['failing', 'warning node-draining'],
    ['maint', 'warning node-draining'],
  ])('says %s of a node of a running run as %s', (state, said) => {
    expect(faults(on(state))).toEqual([said]);
  });

  it.each(['allocated', 'mixed', 'completing', 'idle', 'allocated+', 'mixed-'])(
    'says nothing of %s',
    (state) => {
      expect(on(state).alerts).toEqual([]);
    },
  );

  it('says nothing of a bad node that no run is on', () => {
    const nodes = new Map([['gnode09', node('gnode09', 'down*')]]);
    expect(judge(scene({ runs: [watched()], look: lookOf({ queue: [job()], nodes }) })).alerts).toEqual([]);
  });

  it('quotes whose reason it is', () => {
    expect(on('draining', 'Prolog error').alerts[0]?.summary).toContain('(Prolog error)');
  });
});

describe('quota and space', () => {
  const place = (over: Partial<Place>): Place => ({
    mount: '/data',
    device: '/dev/sda1',
    paths: ['/data/runs'],
    usedPercent: 40,
    inodesPercent: 3,
    quotas: [],
    ...over,
  });
  const at = (over: Partial<Place>) =>
    judge(scene({ runs: [watched()], places: { places: [place(over)], silent: [] } }));
  const quota = (used: number) => at({ quotas: parseQuota(TABLE.replace('USED', `${used}G`)) });
  const TABLE =
    'Filesystem   space   quota   limit   grace   files   quota   limit   grace\n/dev/sda1   USED  1000G   2000G           5   0   0\n';

  it.each([
    [799, []],
    [800, ['warning disk-quota']],
    [849, ['warning disk-quota']],
    [850, ['critical disk-quota']],
  ])('at %d of 1000 GiB says %j', (used, said) => {
    expect(faults(quota(used))).toEqual(said);
  });

  it('knows the * and the time of grace of the fault table', () => {
    const text =
      'Filesystem   space   quota   limit   grace   files   quota   limit   grace\n/dev/sda1   2862G*  2852G   2862G   6days   96582   2900k   3000k\n';
    const [alert] = at({ quotas: parseQuota(text) }).alerts;
    expect(alert).toMatchObject({ severity: 'critical', runs: ['sft-tiny'] });
    expect(alert?.summary).toBe(
      '100 % of your quota on /data is used, which is more than allowed: 2862 of 2852 GiB, grace 6days',
    );
  });

  it('is one alert for forty runs on one file system', () => {
    const runs = Array.from({ length: 40 }, (_, index) => ({ ...watched(), runId: `r${index}` }));
    const { alerts } = judge(scene({ runs, places: { places: [place({ usedPercent: 97 })], silent: [] } }));
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toMatchObject({ fault: 'disk-full', severity: 'critical' });
    expect(alerts[0]?.runs).toHaveLength(40);
  });

  it.each([
    [89, 0, []],
    [90, 0, ['warning disk-full']],
    [95, 0, ['critical disk-full']],
    [10, 96, ['critical disk-full']],
  ])('at %d %% of space and %d %% of inodes says %j', (usedPercent, inodesPercent, said) => {
    expect(faults(at({ usedPercent, inodesPercent }))).toEqual(said);
  });
});

describe('what the log shows', () => {
  const shows = (over: Parameters<typeof progress>[0]) =>
    judge(scene({ runs: [watched({ progress: progress(over) })] }));
  const steady = (count: number, value: number) => Array.from({ length: count }, () => value);

  it('calls a run hung at the second look without progress, not at the first', () => {
    const lastSign = NOW.getTime() - 30 * MINUTE;
    const quiet = {
      step: 40,
      steppedAt: lastSign,
      grewAt: lastSign,
      stage: 'step' as const,
      rhythm: { step: 60 },
    };
    expect(shows({ ...quiet, strikes: 1 }).alerts).toEqual([]);
    const [alert] = shows({ ...quiet, strikes: 2 }).alerts;
    expect(alert).toMatchObject({
      fault: 'hang',
      severity: 'critical',
      since: new Date(lastSign).toISOString(),
    });
    expect(alert?.summary).toBe('no progress for 00:30:00 at step 40 (step); its own rhythm allows 00:10:00');
  });

  it('sees NaN at once, and a loss that stays high after three losses', () => {
    expect(faults(shows({ diverged: true }))).toEqual(['critical loss-nan']);
    expect(faults(shows({ losses: [...steady(12, 2), 9] }))).toEqual([]);
    expect(faults(shows({ losses: [...steady(12, 2), 9, 8, 9] }))).toEqual(['warning loss-spike']);
    expect(faults(shows({ losses: [9, 7, 5, 4, 3, 2.5, 2.2, 2, 2, 2, 2, 2, 2] }))).toEqual([]);
  });

  it('sees tokens per GPU per second fall and stay low, not one slow look', () => {
    expect(faults(shows({ speeds: [...steady(12, 4096), 1000] }))).toEqual([]);
    const [alert] = shows({ speeds: [...steady(12, 4096), ...steady(5, 2048)] }).alerts;
    expect(alert?.summary).toBe('2048 tokens per GPU per second, 50 % of the usual 4096');
    expect(shows({ speeds: [...steady(12, 4096), ...steady(5, 3500)] }).alerts).toEqual([]);
  });

  it('names the node that reads at 365 it/s while another reads at 970', () => {
    const bar = (rate: string) => [`Reading:  12%|█▏        | 12/100 [00:31<03:40, ${rate}it/s]`];
    const pace = (rate: string): NodePace => ({
      mark: null,
      of: '',
      rate: null,
      ...paceOf(bar(rate)),
      behind: 1,
    });
    const nodes = compared({ gnode01: pace('970.1'), gnode02: pace('365.2') }, CONFIG.slow_node);
    const [alert] = judge(scene({ runs: [watched({ nodes })] })).alerts;
    expect(alert).toMatchObject({ fault: 'slow-node', nodes: ['gnode02'] });
    expect(alert?.evidence.map(({ text }) => text)).toEqual([
      'gnode01 970/s of Reading',
      'gnode02 365/s of Reading',
    ]);
  });

  it('does not compare nodes that do different things', () => {
    const paces = {
      gnode01: { mark: null, of: 'Reading', rate: 970, behind: 1 },
      gnode02: { mark: null, of: 'step', rate: 0.5, behind: 1 },
    };
    expect(Object.values(compared(paces, 60)).map(({ behind }) => behind)).toEqual([0, 0]);
  });
});

it('warns of memory while data is loaded, and only mentions it later: page cache counts as used', () => {
  const nodes = new Map([['gnode01', node('gnode01', 'allocated', { memoryMb: 1_000_000, freeMb: 20_000 })]]);
  const look = lookOf({ queue: [job()], nodes });
  const loading = watched({ progress: progress({ stage: 'start' }) });
  const stepping = watched({ progress: progress({ stage: 'step' }) });
  expect(faults(judge(scene({ look, runs: [loading] })))).toEqual(['warning host-memory']);
  expect(faults(judge(scene({ look, runs: [stepping] })))).toEqual(['info host-memory']);
});
