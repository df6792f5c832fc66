import type { Alert } from '../../src/alert/alert.ts';
import { type AlertPolicy, policyOf } from '../../src/alert/policy.ts';
import { alertsSchema } from '../../src/config/alerts-schema.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const START = Date.parse('2026-03-02T10:00:00Z');

/** The defaults: repeated after 4 hours, told as spread after 5 minutes, over after 5 minutes. */
export const ALERTS = alertsSchema.parse({});
export const POLICY: AlertPolicy = policyOf(ALERTS);

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
