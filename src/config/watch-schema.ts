import * as z from 'zod/mini';
import { parseDuration } from '../slurm/duration.ts';

const span = z
  .string()
  .check(
    z.refine(
      (text) => Number.isFinite(parseDuration(text)) && parseDuration(text) !== 0,
      'expected a time as Slurm writes it, such as 0:10:00',
    ),
  );
const percent = z.int().check(z.minimum(1), z.maximum(100));

/** From when on the watcher says something. */
export const watchSchema = z.strictObject({
  quota_warning: z
    ._default(percent, 80)
    .check(z.describe('A warning from this share of a quota on, in percent')),
  quota_critical: z
    ._default(percent, 85)
    .check(z.describe('Critical from this share of a quota on, in percent')),
  space_warning: z
    ._default(percent, 90)
    .check(z.describe('A warning from this share of a file system or of its inodes on, in percent')),
  space_critical: z
    ._default(percent, 95)
    .check(z.describe('Critical from this share of a file system or of its inodes on, in percent')),
  hang_factor: z
    ._default(z.number().check(z.minimum(2), z.maximum(100)), 5)
    .check(z.describe('Without progress for this many times its own rhythm, a run counts as hung')),
  hang_floor: z._default(span, '0:10:00').check(z.describe('Never sooner than this, as Slurm writes times')),
  hang_ceiling: z
    ._default(span, '2:00:00')
    .check(z.describe('Never later than this, also while the rhythm is not known yet')),
  slow_node: z
    ._default(percent, 60)
    .check(
      z.describe('A node below this share of the pace of the middle one of its run is slow, in percent'),
    ),
  speed_fall: z
    ._default(percent, 70)
    .check(
      z.describe('A run below this share of its own usual tokens per GPU per second is slow, in percent'),
    ),
  loss_spike: z
    ._default(z.number().check(z.minimum(1.1), z.maximum(1000)), 2)
    .check(z.describe('A loss this many times the usual one is a spike')),
  free_memory: z
    ._default(z.int().check(z.minimum(0), z.maximum(100)), 4)
    .check(z.describe('A node of a run with less unused memory than this is told, in percent; 0: never')),
});

export type WatchConfig = z.infer<typeof watchSchema>;
