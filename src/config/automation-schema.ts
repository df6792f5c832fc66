import * as z from 'zod/mini';
import { parseDuration } from '../slurm/duration.ts';

const LEVELS = ['L0', 'L1', 'L2', 'L3', 'L4'] as const;
const level = z.enum(LEVELS);
const span = z
  .string()
  .check(
    z.refine(
      (text) => Number.isFinite(parseDuration(text)) && parseDuration(text) !== 0,
      'expected a time as Slurm writes it, such as 24:00:00',
    ),
  );
const levels = z._default(
  z.record(
    z.string().check(z.regex(/^[A-Za-z0-9*?][A-Za-z0-9._*?-]*$/, 'expected an id or a pattern')),
    level,
  ),
  {},
);

const breakerSchema = z.strictObject({
  actions: z
    ._default(z.int().check(z.minimum(1), z.maximum(10_000)), 10)
    .check(z.describe('Acts without a person in one window; one more stops all automation')),
  window: z._default(span, '1:00:00').check(z.describe('The window, as Slurm writes times')),
  share: z
    ._default(z.number().check(z.minimum(0), z.maximum(1)), 0.2)
    .check(z.describe('A fault on a larger share of the nodes than this stops all automation')),
});

/** How far opsctl may go without a person. */
export const automationSchema = z.strictObject({
  level: z
    ._default(level, 'L1')
    .check(
      z.describe(
        'L0 reports, L1 proposes, L2 acts on your own jobs, L3 on your own files, L4 drains nodes where allow_drain says so',
      ),
    ),
  faults: levels.check(z.describe('Another level for one fault: {node-fail: L2}')),
  runs: levels.check(
    z.describe(
      'The level of runs whose name matches, as {"sft-*": L2}; the lowest of those and of the fault counts',
    ),
  ),
  allow_drain: z
    ._default(z.boolean(), false)
    .check(z.describe('Whether nodes may be drained and resumed: for administrators')),
  exclude_for: z
    ._default(span, '24:00:00')
    .check(z.describe('How long a suspect node stays excluded, as Slurm writes times')),
  shm_age: z
    ._default(span, '1:00:00')
    .check(z.describe('Files that NCCL left in /dev/shm are deleted only when older than this')),
  keep_checkpoints: z
    ._default(z.int().check(z.minimum(1), z.maximum(1000)), 3)
    .check(z.describe('How many of the newest complete checkpoints stay when old ones are deleted')),
  breaker: z._default(breakerSchema, { actions: 10, window: '1:00:00', share: 0.2 }),
});

export type AutomationConfig = z.infer<typeof automationSchema>;
