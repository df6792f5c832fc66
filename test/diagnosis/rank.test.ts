import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/diagnosis/finding.ts';
import { rank } from '../../src/diagnosis/rank.ts';
import { slurmFindings } from '../../src/diagnosis/slurm-evidence.ts';
import { job, runbooks } from './engine.ts';

/** What one of our signatures would have found at a line. */
function found(name: string, line = 1, survived = false): Finding {
  const [fault = '', id] = name.split('/');
  const signature = runbooks
    .find((each) => each.fault === fault)
    ?.front.signatures.find((each) => each.id === id);
  if (!signature) throw new Error(`no signature ${name}`);
  const evidence = { file: 'log', line, text: name, rank: null, node: null, role: signature.role };
  return { fault, signature, attempt: null, at: [0, line], count: 1, survived, evidence: [evidence] };
}

const first = (...findings: Finding[]) => rank(findings, runbooks).causes[0]?.fault;

describe('among what was found', () => {
  it('a root beats every cascade, however early', () => {
    expect(first(found('nccl-timeout/watchdog', 1), found('python-error/exception', 99))).toBe(
      'python-error',
    );
  });

  it('what brings the others about comes first', () => {
    expect(first(found('disk-full/enospc', 1), found('shm-exhausted/shm-segment', 5))).toBe('shm-exhausted');
    expect(first(found('illegal-memory-access/illegal', 1), found('gpu-xid/xid', 2))).toBe('gpu-xid');
  });

  it('Slurm’s verdict beats an exception, and a fault that hung the run beats Slurm’s verdict', () => {
    expect(first(found('python-error/exception', 1), found('time-limit/due-to-time-limit', 9))).toBe(
      'time-limit',
    );
    expect(first(found('cuda-oom/allocation', 1), found('time-limit/due-to-time-limit', 9))).toBe('cuda-oom');
  });

  it('of equals the earlier is the cause', () => {
    expect(first(found('disk-quota/edquot', 8), found('too-many-open-files/emfile', 3))).toBe(
      'too-many-open-files',
    );
  });

  it('what the run lived through is ruled out, and says so', () => {
    const { status, ruledOut } = rank([found('wandb-timeout/init-timeout', 1, true)], runbooks);
    expect([status, ruledOut[0]?.reason]).toEqual(['healthy', 'the run moved on after it']);
  });

  it('two causes that compete are never confident', () => {
    const { causes } = rank(
      [found('disk-quota/edquot', 8), found('too-many-open-files/emfile', 3)],
      runbooks,
    );
    expect(causes[0]?.why).toContain('others-compete');
    expect(causes[0]?.confidence).toBeLessThan(0.8);
  });

  it('several signatures on one line, or one line in several logs, do not confirm each other', () => {
    const [line, again] = [found('host-oom/kernel-oom', 4), found('host-oom/slurm-oom-kill', 4)];
    const same = { ...again, evidence: line.evidence };
    const confidence = (...findings: Finding[]) => rank(findings, runbooks).causes[0]?.confidence;
    expect(confidence(line, same)).toBe(confidence(line));
    expect(confidence(line, { ...line, at: [1, 4] })).toBe(confidence(line));
    expect(confidence(line, again)).toBeGreaterThan(confidence(line) ?? 1);
  });

  it('the order of reading does not matter', () => {
    const all = runbooks.flatMap(({ fault, front }) => front.signatures.map(({ id }) => `${fault}/${id}`));
    const finding = fc.tuple(fc.constantFrom(...all), fc.nat(50)).map(([name, line]) => found(name, line));
    fc.assert(
      fc.property(fc.uniqueArray(finding, { maxLength: 8, selector: ({ at }) => at[1] }), (findings) => {
        expect(first(...findings)).toBe(first(...[...findings].reverse()));
      }),
    );
  });
});

describe('Slurm’s state', () => {
  it.each([
    ['TIMEOUT', {}, 'time-limit'],
    ['OUT_OF_MEMORY', {}, 'host-oom'],
    ['NODE_FAIL', {}, 'node-fail'],
    ['PREEMPTED', {}, 'preempted'],
    ['CANCELLED by 1000', {}, 'cancelled'],
    ['FAILED', { signal: 11 }, 'segfault'],
    ['PENDING', { reason: 'ReqNodeNotAvail, UnavailableNodes:gnode07' }, 'node-unavailable'],
    ['PENDING', { reason: 'PartitionNodeLimit' }, 'slurm-invalid-request'],
  ])('%s %j is evidence of its own', (state, more, fault) => {
    expect(rank(slurmFindings(job(state, more), runbooks), runbooks).causes[0]?.fault).toBe(fault);
  });

  it('that only says that the job failed makes nothing healthy', () => {
    expect(rank(slurmFindings(job('FAILED', { exitCode: 1 }), runbooks), runbooks).status).toBe('unknown');
  });

  it('that is good, or waits for its turn, names nothing', () => {
    expect(slurmFindings(job('COMPLETED'), runbooks)).toEqual([]);
    expect(slurmFindings(job('PENDING', { reason: 'Priority' }), runbooks)).toEqual([]);
  });
});
