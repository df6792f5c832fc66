import type { Alert } from '../../src/alert/alert.ts';
import type { AlertPolicy } from '../../src/alert/policy.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const START = Date.parse('2026-03-02T10:00:00Z');

export const POLICY: AlertPolicy = {
  groupBy: 'cause',
  repeatMs: 4 * HOUR,
  groupIntervalMs: 5 * MINUTE,
  resolveAfterMs: 5 * MINUTE,
  quietHours: null,
};

export function alertOf(over: Partial<Alert> = {}): Alert {
  return {
    id: 'storage-full-a',
    fault: 'storage-full',
    severity: 'critical',
    summary: '/data is full: 100 % of 20 TB',
    runs: ['sft-a'],
    nodes: [],
    since: '2026-03-02T09:58:00.000Z',
    evidence: [
      { file: '/data/sft-a/slurm-7.out', line: 812, text: 'OSError: [Errno 28] No space left on device' },
    ],
    command: 'opsctl prune sft-a --apply',
    ...over,
  };
}
